//! Brazilian Portuguese mails.

use super::strings::{CodeLetter, Durations, LinkLetter, Strings};

pub(super) static STRINGS: Strings = Strings {
    fallback: "Se o botão não funcionar, abra este endereço:",
    foot: "Enviado para {email} porque alguém usou este endereço em {place}. Nunca pedimos sua senha nem um código \
           por e-mail.",
    login: LinkLetter {
        subject: "Entre em {place}",
        preheader: "O link funciona uma única vez e expira em {expiry}.",
        title: "Entre em {place}",
        body: "Use este link para concluir a entrada como **{email}**. Ele funciona uma única vez e expira em \
               {expiry}.",
        button: "Entrar",
        note: "Você não tentou entrar? Pode ignorar esta mensagem: sem o link, ninguém entra.",
    },
    signup: LinkLetter {
        subject: "Confirme seu e-mail para {place}",
        preheader: "Falta um passo: confirme que este endereço é seu.",
        title: "Confirme seu endereço de e-mail",
        body: "Você está entrando em **{place}** com {email}. Confirme que o endereço é seu e pronto. O link funciona \
               uma única vez e expira em {expiry}.",
        button: "Confirmar e continuar",
        note: "Você não se cadastrou? Ignore esta mensagem e nenhuma conta será criada.",
    },
    invite: LinkLetter {
        subject: "{inviter} convidou você para {place}",
        preheader: "Aceite o convite para entrar na equipe.",
        title: "Participe de {place}",
        body: "**{inviter}** convidou você para {place}. Sua conta usará {email}.",
        button: "Aceitar convite",
        note: "O convite funciona uma única vez e expira em {expiry}. Se já expirou, peça outro a {inviter}. Se você \
               não conhece essa pessoa, ignore esta mensagem.",
    },
    invite_unsigned: LinkLetter {
        subject: "Você recebeu um convite para {place}",
        preheader: "Aceite o convite para entrar na equipe.",
        title: "Participe de {place}",
        body: "Você recebeu um convite para **{place}**. Sua conta usará {email}.",
        button: "Aceitar convite",
        note: "O convite funciona uma única vez e expira em {expiry}. Se já expirou, peça outro à sua equipe. Se você \
               não esperava este convite, ignore esta mensagem.",
    },
    discovery_login: LinkLetter {
        subject: "Entre em {place}",
        preheader: "O link funciona uma única vez e expira em {expiry}.",
        title: "Entre em {place}",
        body: "Use este link para continuar como **{email}** e escolher sua organização. Ele funciona uma única vez e \
               expira em {expiry}.",
        button: "Continuar",
        note: "Você não tentou entrar? Pode ignorar esta mensagem: sem o link, ninguém entra.",
    },
    code: CodeLetter {
        subject: "{code} é seu código para {place}",
        preheader: "Digite-o onde você está entrando. Ele expira em {expiry}.",
        title: "Seu código de acesso",
        body: "Digite este código onde você está entrando como **{email}**.",
        expiry: "Ele funciona uma única vez e expira em {expiry}.",
        note: "Não compartilhe este código, nem mesmo com quem disser que é do suporte. Você não tentou entrar? \
               Ignore esta mensagem.",
    },
    code_signup: CodeLetter {
        subject: "{code} é seu código para {place}",
        preheader: "Falta um passo: confirme que este endereço é seu.",
        title: "Confirme seu endereço de e-mail",
        body: "Digite este código para entrar em {place} como **{email}**.",
        expiry: "Ele funciona uma única vez e expira em {expiry}.",
        note: "Não compartilhe este código, nem mesmo com quem disser que é do suporte. Você não se cadastrou? Ignore \
               esta mensagem e nenhuma conta será criada.",
    },
    email_update_link: LinkLetter {
        subject: "Confirme seu novo e-mail para {place}",
        preheader: "Falta um passo: confirme que este endereço é seu.",
        title: "Confirme seu novo endereço de e-mail",
        body: "Sua conta em {place} passará a usar **{email}**. Confirme que o endereço é seu. O link funciona uma \
               única vez e expira em {expiry}.",
        button: "Confirmar este endereço",
        note: "Você não pediu isso? Ignore esta mensagem e nada mudará.",
    },
    email_update_code: CodeLetter {
        subject: "{code} é seu código para {place}",
        preheader: "Digite-o para confirmar seu novo endereço. Ele expira em {expiry}.",
        title: "Confirme seu novo endereço de e-mail",
        body: "Digite este código para usar **{email}** na sua conta em {place}.",
        expiry: "Ele funciona uma única vez e expira em {expiry}.",
        note: "Não compartilhe este código, nem mesmo com quem disser que é do suporte. Você não pediu isso? Ignore \
               esta mensagem e nada mudará.",
    },
    reset_password: LinkLetter {
        subject: "Redefina sua senha de {place}",
        preheader: "Escolha uma nova senha em até {expiry}.",
        title: "Escolha uma nova senha",
        body: "Alguém pediu para redefinir a senha de **{email}**. O link funciona uma única vez e expira em {expiry}. \
               Ao escolher uma nova senha, você sai de todos os outros dispositivos.",
        button: "Escolher nova senha",
        note: "Você não pediu isso? Sua senha não mudou. Se isso continuar acontecendo, avise seu administrador.",
    },
    verify_email: LinkLetter {
        subject: "Crie sua senha para {place}",
        preheader: "Confirme seu endereço e crie uma senha em até {expiry}.",
        title: "Crie sua senha",
        body: "Confirme que **{email}** é seu e crie uma senha para {place}. O link funciona uma única vez e expira em \
               {expiry}.",
        button: "Criar senha",
        note: "Você não pediu isso? Ignore esta mensagem e nada mudará.",
    },
    unlock: LinkLetter {
        subject: "Sua conta em {place} está bloqueada",
        preheader: "Muitas tentativas sem sucesso. Desbloqueie se foi você.",
        title: "Desbloqueie sua conta",
        body: "Houve muitas tentativas de entrar sem sucesso com **{email}**, por isso bloqueamos a conta por algum \
               tempo. Se foi você, desbloqueie agora. O link funciona uma única vez e expira em {expiry}.",
        button: "Desbloquear minha conta",
        note: "Não foi você? Não faça nada. O bloqueio mantém de fora quem está tentando adivinhar e termina sozinho. \
               Depois, considere trocar a senha.",
    },
    passwordless_question: "Prefere não usar senha?",
    passwordless_link: "Entre com este link",
    durations: Durations {
        zero_is_one: true,
        minutes: ["{n} minuto", "{n} minutos"],
        hours: ["{n} hora", "{n} horas"],
        days: ["{n} dia", "{n} dias"],
    },
};
