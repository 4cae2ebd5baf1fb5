//! Spanish mails.

use super::strings::{CodeLetter, Durations, LinkLetter, Strings};

pub(super) static STRINGS: Strings = Strings {
    fallback: "Si el botón no funciona, abre esta dirección:",
    foot: "Enviado a {email} porque alguien usó esta dirección en {place}. Nunca te pedimos la contraseña ni un \
           código por correo.",
    login: LinkLetter {
        subject: "Inicia sesión en {place}",
        preheader: "El enlace sirve una sola vez y caduca en {expiry}.",
        title: "Inicia sesión en {place}",
        body: "Usa este enlace para terminar de iniciar sesión como **{email}**. Sirve una sola vez y caduca en \
               {expiry}.",
        button: "Iniciar sesión",
        note: "¿No has intentado iniciar sesión? Puedes ignorar este mensaje: sin el enlace nadie puede entrar.",
    },
    signup: LinkLetter {
        subject: "Confirma tu correo para {place}",
        preheader: "Solo queda un paso: confirma que esta dirección es tuya.",
        title: "Confirma tu dirección de correo",
        body: "Vas a unirte a **{place}** con {email}. Confirma que la dirección es tuya y ya estarás dentro. El \
               enlace sirve una sola vez y caduca en {expiry}.",
        button: "Confirmar y continuar",
        note: "¿No te has registrado? Ignora este mensaje y no se creará ninguna cuenta.",
    },
    invite: LinkLetter {
        subject: "{inviter} te ha invitado a {place}",
        preheader: "Acepta la invitación para unirte al equipo.",
        title: "Únete a {place}",
        body: "**{inviter}** te ha invitado a {place}. Tu cuenta usará {email}.",
        button: "Aceptar la invitación",
        note: "La invitación sirve una sola vez y caduca en {expiry}. Si ha caducado, pide una nueva a {inviter}. Si \
               no conoces a esta persona, ignora este mensaje.",
    },
    invite_unsigned: LinkLetter {
        subject: "Tienes una invitación a {place}",
        preheader: "Acepta la invitación para unirte al equipo.",
        title: "Únete a {place}",
        body: "Tienes una invitación a **{place}**. Tu cuenta usará {email}.",
        button: "Aceptar la invitación",
        note: "La invitación sirve una sola vez y caduca en {expiry}. Si ha caducado, pide una nueva a tu equipo. Si \
               no la esperabas, ignora este mensaje.",
    },
    discovery_login: LinkLetter {
        subject: "Inicia sesión en {place}",
        preheader: "El enlace sirve una sola vez y caduca en {expiry}.",
        title: "Inicia sesión en {place}",
        body: "Usa este enlace para continuar como **{email}** y elegir tu organización. Sirve una sola vez y caduca \
               en {expiry}.",
        button: "Continuar",
        note: "¿No has intentado iniciar sesión? Puedes ignorar este mensaje: sin el enlace nadie puede entrar.",
    },
    code: CodeLetter {
        subject: "{code} es tu código para {place}",
        preheader: "Escríbelo donde estás iniciando sesión. Caduca en {expiry}.",
        title: "Tu código de inicio de sesión",
        body: "Escribe este código donde estás iniciando sesión como **{email}**.",
        expiry: "Sirve una sola vez y caduca en {expiry}.",
        note: "No compartas este código, ni siquiera con quien diga ser de soporte. ¿No has intentado iniciar sesión? \
               Ignora este mensaje.",
    },
    code_signup: CodeLetter {
        subject: "{code} es tu código para {place}",
        preheader: "Solo queda un paso: confirma que esta dirección es tuya.",
        title: "Confirma tu dirección de correo",
        body: "Escribe este código para unirte a {place} como **{email}**.",
        expiry: "Sirve una sola vez y caduca en {expiry}.",
        note: "No compartas este código, ni siquiera con quien diga ser de soporte. ¿No te has registrado? Ignora \
               este mensaje y no se creará ninguna cuenta.",
    },
    email_update_link: LinkLetter {
        subject: "Confirma tu nuevo correo para {place}",
        preheader: "Solo queda un paso: confirma que esta dirección es tuya.",
        title: "Confirma tu nueva dirección de correo",
        body: "Tu cuenta en {place} pasará a usar **{email}**. Confirma que la dirección es tuya. El enlace sirve una \
               sola vez y caduca en {expiry}.",
        button: "Confirmar esta dirección",
        note: "¿No lo has pedido? Ignora este mensaje y no cambiará nada.",
    },
    email_update_code: CodeLetter {
        subject: "{code} es tu código para {place}",
        preheader: "Escríbelo para confirmar tu nueva dirección. Caduca en {expiry}.",
        title: "Confirma tu nueva dirección de correo",
        body: "Escribe este código para usar **{email}** en tu cuenta de {place}.",
        expiry: "Sirve una sola vez y caduca en {expiry}.",
        note: "No compartas este código, ni siquiera con quien diga ser de soporte. ¿No lo has pedido? Ignora este \
               mensaje y no cambiará nada.",
    },
    reset_password: LinkLetter {
        subject: "Restablece tu contraseña de {place}",
        preheader: "Tienes {expiry} para elegir una contraseña nueva.",
        title: "Elige una contraseña nueva",
        body: "Alguien ha pedido restablecer la contraseña de **{email}**. El enlace sirve una sola vez y caduca en \
               {expiry}. Al elegir una contraseña nueva se cierra la sesión en todos tus demás dispositivos.",
        button: "Elegir una contraseña nueva",
        note: "¿No lo has pedido? Tu contraseña sigue igual. Si vuelve a ocurrir, avisa a tu administrador.",
    },
    verify_email: LinkLetter {
        subject: "Crea tu contraseña para {place}",
        preheader: "Tienes {expiry} para confirmar tu dirección y crear una contraseña.",
        title: "Crea tu contraseña",
        body: "Confirma que **{email}** es tuya y crea una contraseña para {place}. El enlace sirve una sola vez y \
               caduca en {expiry}.",
        button: "Crear contraseña",
        note: "¿No lo has pedido? Ignora este mensaje y no cambiará nada.",
    },
    unlock: LinkLetter {
        subject: "Tu cuenta de {place} está bloqueada",
        preheader: "Demasiados intentos fallidos. Desbloquéala si fuiste tú.",
        title: "Desbloquea tu cuenta",
        body: "Hubo demasiados intentos fallidos de iniciar sesión con **{email}**, así que hemos bloqueado la cuenta \
               durante un tiempo. Si fuiste tú, desbloquéala ahora. El enlace sirve una sola vez y caduca en \
               {expiry}.",
        button: "Desbloquear mi cuenta",
        note: "¿No fuiste tú? No hagas nada. El bloqueo deja fuera a quien esté probando contraseñas y termina solo. \
               Después conviene elegir una contraseña nueva.",
    },
    passwordless_question: "¿Prefieres no usar contraseña?",
    passwordless_link: "Inicia sesión con este enlace",
    durations: Durations {
        zero_is_one: false,
        minutes: ["{n} minuto", "{n} minutos"],
        hours: ["{n} hora", "{n} horas"],
        days: ["{n} día", "{n} días"],
    },
};
