//! English mails.

use super::strings::{CodeLetter, Durations, LinkLetter, Strings};

pub(super) static STRINGS: Strings = Strings {
    fallback: "If the button does not work, open this address:",
    foot: "Sent to {email} because someone used this address at {place}. We never ask for your password or a code \
           by email.",
    login: LinkLetter {
        subject: "Sign in to {place}",
        preheader: "The link works once and expires in {expiry}.",
        title: "Sign in to {place}",
        body: "Use this link to finish signing in as **{email}**. It works once and expires in {expiry}.",
        button: "Sign in",
        note: "You did not try to sign in? You can ignore this message: without the link nobody gets in.",
    },
    signup: LinkLetter {
        subject: "Confirm your email for {place}",
        preheader: "One step left: confirm that this address is yours.",
        title: "Confirm your email address",
        body: "You are joining **{place}** with {email}. Confirm that the address is yours and you are in. The link \
               works once and expires in {expiry}.",
        button: "Confirm and continue",
        note: "You did not sign up? Ignore this message and no account is made.",
    },
    invite: LinkLetter {
        subject: "{inviter} invited you to {place}",
        preheader: "Accept the invitation to join the team.",
        title: "Join {place}",
        body: "**{inviter}** invited you to {place}. Your account will use {email}.",
        button: "Accept invitation",
        note: "The invitation works once and expires in {expiry}. If it has expired, ask {inviter} for a new one. If \
               you do not know this person, ignore this message.",
    },
    invite_unsigned: LinkLetter {
        subject: "You are invited to {place}",
        preheader: "Accept the invitation to join the team.",
        title: "Join {place}",
        body: "You are invited to **{place}**. Your account will use {email}.",
        button: "Accept invitation",
        note: "The invitation works once and expires in {expiry}. If it has expired, ask your team for a new one. If \
               you did not expect it, ignore this message.",
    },
    discovery_login: LinkLetter {
        subject: "Sign in to {place}",
        preheader: "The link works once and expires in {expiry}.",
        title: "Sign in to {place}",
        body: "Use this link to continue as **{email}** and choose your organization. It works once and expires in \
               {expiry}.",
        button: "Continue",
        note: "You did not try to sign in? You can ignore this message: without the link nobody gets in.",
    },
    code: CodeLetter {
        subject: "{code} is your code for {place}",
        preheader: "Enter it where you are signing in. It expires in {expiry}.",
        title: "Your sign-in code",
        body: "Enter this code where you are signing in as **{email}**.",
        expiry: "It works once and expires in {expiry}.",
        note: "Do not share this code, not even with someone who says they are from support. You did not try to sign \
               in? Ignore this message.",
    },
    code_signup: CodeLetter {
        subject: "{code} is your code for {place}",
        preheader: "One step left: confirm that this address is yours.",
        title: "Confirm your email address",
        body: "Enter this code to join {place} as **{email}**.",
        expiry: "It works once and expires in {expiry}.",
        note: "Do not share this code, not even with someone who says they are from support. You did not sign up? \
               Ignore this message and no account is made.",
    },
    email_update_link: LinkLetter {
        subject: "Confirm your new email for {place}",
        preheader: "One step left: confirm that this address is yours.",
        title: "Confirm your new email address",
        body: "Your account at {place} is about to use **{email}**. Confirm that the address is yours. The link works \
               once and expires in {expiry}.",
        button: "Confirm this address",
        note: "You did not ask for this? Ignore this message and nothing changes.",
    },
    email_update_code: CodeLetter {
        subject: "{code} is your code for {place}",
        preheader: "Enter it to confirm your new address. It expires in {expiry}.",
        title: "Confirm your new email address",
        body: "Enter this code to use **{email}** for your account at {place}.",
        expiry: "It works once and expires in {expiry}.",
        note: "Do not share this code, not even with someone who says they are from support. You did not ask for \
               this? Ignore this message and nothing changes.",
    },
    reset_password: LinkLetter {
        subject: "Reset your password for {place}",
        preheader: "Choose a new password within {expiry}.",
        title: "Choose a new password",
        body: "Someone asked to reset the password of **{email}**. The link works once and expires in {expiry}. \
               Setting a new password signs you out on all other devices.",
        button: "Choose a new password",
        note: "You did not ask for this? Your password is unchanged. If this keeps happening, tell your \
               administrator.",
    },
    verify_email: LinkLetter {
        subject: "Set your password for {place}",
        preheader: "Confirm your address and set a password within {expiry}.",
        title: "Set your password",
        body: "Confirm that **{email}** is yours and set a password for {place}. The link works once and expires in \
               {expiry}.",
        button: "Set your password",
        note: "You did not ask for this? Ignore this message and nothing changes.",
    },
    unlock: LinkLetter {
        subject: "Your account at {place} is locked",
        preheader: "Too many failed sign-ins. Unlock it if they were yours.",
        title: "Unlock your account",
        body: "There were too many failed sign-ins for **{email}**, so we locked the account for a while. If it was \
               you, unlock it now. The link works once and expires in {expiry}.",
        button: "Unlock my account",
        note: "It was not you? Do nothing. The lock keeps whoever is guessing out and ends by itself. Consider a new \
               password afterwards.",
    },
    passwordless_question: "Rather not use a password?",
    passwordless_link: "Sign in with this link instead",
    durations: Durations {
        zero_is_one: false,
        minutes: ["{n} minute", "{n} minutes"],
        hours: ["{n} hour", "{n} hours"],
        days: ["{n} day", "{n} days"],
    },
};
