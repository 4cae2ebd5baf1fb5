//! French mails. A narrow no-break space (U+202F) stands before `?`, a no-break space (U+00A0) before `:`.

use super::strings::{CodeLetter, Durations, LinkLetter, Strings};

pub(super) static STRINGS: Strings = Strings {
    fallback: "Si le bouton ne fonctionne pas, ouvrez cette adresse\u{A0}:",
    foot: "Envoyé à {email} parce que quelqu’un a utilisé cette adresse chez {place}. Nous ne demandons jamais votre \
           mot de passe ni un code par e-mail.",
    login: LinkLetter {
        subject: "Connectez-vous à {place}",
        preheader: "Le lien fonctionne une seule fois et expire dans {expiry}.",
        title: "Connectez-vous à {place}",
        body: "Utilisez ce lien pour terminer votre connexion en tant que **{email}**. Il fonctionne une seule fois et \
               expire dans {expiry}.",
        button: "Se connecter",
        note: "Vous n’avez pas essayé de vous connecter\u{202F}? Ignorez ce message\u{A0}: sans le lien, personne ne \
               peut entrer.",
    },
    signup: LinkLetter {
        subject: "Confirmez votre adresse e-mail pour {place}",
        preheader: "Plus qu’une étape\u{A0}: confirmez que cette adresse est la vôtre.",
        title: "Confirmez votre adresse e-mail",
        body: "Vous rejoignez **{place}** avec {email}. Confirmez que cette adresse est la vôtre et c’est terminé. Le \
               lien fonctionne une seule fois et expire dans {expiry}.",
        button: "Confirmer et continuer",
        note: "Vous ne vous êtes pas inscrit\u{202F}? Ignorez ce message et aucun compte ne sera créé.",
    },
    invite: LinkLetter {
        subject: "{inviter} vous invite à rejoindre {place}",
        preheader: "Acceptez l’invitation pour rejoindre l’équipe.",
        title: "Rejoignez {place}",
        body: "**{inviter}** vous invite à rejoindre {place}. Votre compte utilisera {email}.",
        button: "Accepter l’invitation",
        note: "L’invitation fonctionne une seule fois et expire dans {expiry}. Si elle a expiré, demandez-en une \
               nouvelle à {inviter}. Si vous ne connaissez pas cette personne, ignorez ce message.",
    },
    invite_unsigned: LinkLetter {
        subject: "Vous êtes invité à rejoindre {place}",
        preheader: "Acceptez l’invitation pour rejoindre l’équipe.",
        title: "Rejoignez {place}",
        body: "Vous êtes invité à rejoindre **{place}**. Votre compte utilisera {email}.",
        button: "Accepter l’invitation",
        note: "L’invitation fonctionne une seule fois et expire dans {expiry}. Si elle a expiré, demandez-en une \
               nouvelle à votre équipe. Si vous ne l’attendiez pas, ignorez ce message.",
    },
    discovery_login: LinkLetter {
        subject: "Connectez-vous à {place}",
        preheader: "Le lien fonctionne une seule fois et expire dans {expiry}.",
        title: "Connectez-vous à {place}",
        body: "Utilisez ce lien pour continuer en tant que **{email}** et choisir votre organisation. Il fonctionne \
               une seule fois et expire dans {expiry}.",
        button: "Continuer",
        note: "Vous n’avez pas essayé de vous connecter\u{202F}? Ignorez ce message\u{A0}: sans le lien, personne ne \
               peut entrer.",
    },
    code: CodeLetter {
        subject: "{code} est votre code pour {place}",
        preheader: "Saisissez-le là où vous vous connectez. Il expire dans {expiry}.",
        title: "Votre code de connexion",
        body: "Saisissez ce code là où vous vous connectez en tant que **{email}**.",
        expiry: "Il fonctionne une seule fois et expire dans {expiry}.",
        note: "Ne communiquez ce code à personne, même à quelqu’un qui se présente comme l’assistance. Vous n’avez pas \
               essayé de vous connecter\u{202F}? Ignorez ce message.",
    },
    code_signup: CodeLetter {
        subject: "{code} est votre code pour {place}",
        preheader: "Plus qu’une étape\u{A0}: confirmez que cette adresse est la vôtre.",
        title: "Confirmez votre adresse e-mail",
        body: "Saisissez ce code pour rejoindre {place} en tant que **{email}**.",
        expiry: "Il fonctionne une seule fois et expire dans {expiry}.",
        note: "Ne communiquez ce code à personne, même à quelqu’un qui se présente comme l’assistance. Vous ne vous \
               êtes pas inscrit\u{202F}? Ignorez ce message et aucun compte ne sera créé.",
    },
    email_update_link: LinkLetter {
        subject: "Confirmez votre nouvelle adresse pour {place}",
        preheader: "Plus qu’une étape\u{A0}: confirmez que cette adresse est la vôtre.",
        title: "Confirmez votre nouvelle adresse e-mail",
        body: "Votre compte chez {place} va utiliser **{email}**. Confirmez que cette adresse est la vôtre. Le lien \
               fonctionne une seule fois et expire dans {expiry}.",
        button: "Confirmer cette adresse",
        note: "Vous n’avez rien demandé\u{202F}? Ignorez ce message et rien ne changera.",
    },
    email_update_code: CodeLetter {
        subject: "{code} est votre code pour {place}",
        preheader: "Saisissez-le pour confirmer votre nouvelle adresse. Il expire dans {expiry}.",
        title: "Confirmez votre nouvelle adresse e-mail",
        body: "Saisissez ce code pour utiliser **{email}** avec votre compte chez {place}.",
        expiry: "Il fonctionne une seule fois et expire dans {expiry}.",
        note: "Ne communiquez ce code à personne, même à quelqu’un qui se présente comme l’assistance. Vous n’avez \
               rien demandé\u{202F}? Ignorez ce message et rien ne changera.",
    },
    reset_password: LinkLetter {
        subject: "Réinitialisez votre mot de passe pour {place}",
        preheader: "Choisissez un nouveau mot de passe d’ici {expiry}.",
        title: "Choisissez un nouveau mot de passe",
        body: "Quelqu’un a demandé à réinitialiser le mot de passe de **{email}**. Le lien fonctionne une seule fois \
               et expire dans {expiry}. Choisir un nouveau mot de passe vous déconnecte de tous vos autres appareils.",
        button: "Choisir un nouveau mot de passe",
        note: "Vous n’avez rien demandé\u{202F}? Votre mot de passe reste inchangé. Si cela se reproduit, prévenez \
               votre administrateur.",
    },
    verify_email: LinkLetter {
        subject: "Définissez votre mot de passe pour {place}",
        preheader: "Confirmez votre adresse et définissez un mot de passe d’ici {expiry}.",
        title: "Définissez votre mot de passe",
        body: "Confirmez que **{email}** est votre adresse et définissez un mot de passe pour {place}. Le lien \
               fonctionne une seule fois et expire dans {expiry}.",
        button: "Définir mon mot de passe",
        note: "Vous n’avez rien demandé\u{202F}? Ignorez ce message et rien ne changera.",
    },
    unlock: LinkLetter {
        subject: "Votre compte chez {place} est verrouillé",
        preheader: "Trop de tentatives échouées. Déverrouillez-le si elles venaient de vous.",
        title: "Déverrouillez votre compte",
        body: "Il y a eu trop de tentatives de connexion échouées pour **{email}**, nous avons donc verrouillé le \
               compte pour un moment. Si c’était vous, déverrouillez-le maintenant. Le lien fonctionne une seule fois \
               et expire dans {expiry}.",
        button: "Déverrouiller mon compte",
        note: "Ce n’était pas vous\u{202F}? Ne faites rien. Le verrou tient à l’écart la personne qui essaie et se lève \
               de lui-même. Pensez ensuite à changer de mot de passe.",
    },
    passwordless_question: "Vous préférez ne pas utiliser de mot de passe\u{202F}?",
    passwordless_link: "Connectez-vous avec ce lien",
    durations: Durations {
        zero_is_one: true,
        minutes: ["{n} minute", "{n} minutes"],
        hours: ["{n} heure", "{n} heures"],
        days: ["{n} jour", "{n} jours"],
    },
};
