//! Where a member may be sent with a token (spec 01b §1, spec 06 R-23).
//!
//! A redirect URL receives a token that is as good as a password, so only URLs that the project has configured
//! are ever used. Ada's application asks for `https://app.example.com/authenticate`; it is compared part by part
//! with the configured ones of that type. A URL that two readers could take apart in two ways (a backslash, a
//! tab, credentials, dot segments) is refused before it is compared with anything, and what is handed out is
//! the normal form that was compared, never the text that came in.

use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use url::{Host, Url};

use crate::email;
use crate::error::ErrorType;
use crate::wire_enum;

/// Longest redirect URL in bytes.
pub const URL_BYTES_MAX: usize = 2048;

wire_enum! {
    /// What a redirect URL is for.
    RedirectUrlType {
        /// An active member signs in.
        Login = "LOGIN",
        /// Someone becomes a member.
        Signup = "SIGNUP",
        /// An invited member accepts.
        Invite = "INVITE",
        /// A member sets a new password.
        ResetPassword = "RESET_PASSWORD",
        /// Someone has yet to choose an organization.
        Discovery = "DISCOVERY",
    }
}

/// A redirect URL that a project has configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedirectUrl {
    /// The URL as it was configured.
    pub url: String,
    /// What it may be used for.
    pub valid_types: Vec<ValidType>,
}

/// One use of a configured redirect URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidType {
    /// The use.
    pub r#type: RedirectUrlType,
    /// Whether it is taken when a request of that type names no URL.
    pub is_default: bool,
}

/// How strict an environment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvironmentRules {
    /// https or a native scheme, no wildcards.
    Live,
    /// Also http, and wildcards in the first label of a host.
    Test,
    /// As [`EnvironmentRules::Test`]; besides, every http(s) URL on this machine needs no configuration.
    Dev,
}

/// Why a redirect URL is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedirectUrlError {
    /// Not an absolute URL, or one that two readers could understand differently.
    InvalidFormat(RedirectUrlType),
    /// Well formed, but not configured for this type.
    NoMatch,
    /// All but the query is configured, and the query fits none of the configured placeholders.
    QueryParamsDoNotMatch,
    /// The request names no URL, and none is configured for this type.
    NoneConfigured(RedirectUrlType),
    /// The request names no URL, and none of this type is the default.
    NoDefault(RedirectUrlType),
    /// Plain http in a live environment.
    MustUseHttps,
    /// A scheme that runs code, reads files or leads to no application.
    CannotUseProtocol,
    /// A native scheme, which any application on the device can register, in a flow without PKCE.
    PkceRequiredForNativeCallback,
    /// A wildcard in a live environment.
    NoWildcardsInLive,
    /// A URL with a wildcard cannot be used as it stands.
    WildcardCannotBeDefault,
    /// A URL with a placeholder cannot be used as it stands.
    PlaceholderCannotBeDefault,
}

impl RedirectUrlError {
    /// The catalogued error; all of them are the request's fault (400).
    pub fn error_type(self) -> ErrorType {
        use RedirectUrlType::{Discovery, Invite, Login, ResetPassword, Signup};
        match self {
            Self::InvalidFormat(Login) => ErrorType::InvalidLoginRedirectUrl,
            Self::InvalidFormat(Signup) => ErrorType::InvalidSignupRedirectUrl,
            Self::InvalidFormat(Invite) => ErrorType::InvalidInviteRedirectUrl,
            Self::InvalidFormat(ResetPassword) => ErrorType::InvalidPasswordResetRedirectUrl,
            Self::InvalidFormat(Discovery) => ErrorType::InvalidDiscoveryRedirectUrl,
            Self::NoMatch => ErrorType::NoMatchForRedirectUrl,
            Self::QueryParamsDoNotMatch => ErrorType::QueryParamsDoNotMatch,
            Self::NoneConfigured(Login) => ErrorType::NoLoginRedirectUrlsSet,
            Self::NoneConfigured(Signup) => ErrorType::NoSignupRedirectUrlsSet,
            Self::NoneConfigured(Invite) => ErrorType::NoInviteRedirectUrlsSet,
            Self::NoneConfigured(ResetPassword) => ErrorType::NoPasswordResetRedirectUrl,
            Self::NoneConfigured(Discovery) => ErrorType::NoDiscoveryRedirectUrlsSet,
            Self::NoDefault(Login) => ErrorType::NoDefaultLoginRedirectUrl,
            Self::NoDefault(Signup) => ErrorType::NoDefaultSignupRedirectUrl,
            Self::NoDefault(Invite) => ErrorType::NoDefaultInviteRedirectUrl,
            Self::NoDefault(ResetPassword) => ErrorType::NoDefaultPasswordResetRedirectUrl,
            Self::NoDefault(Discovery) => ErrorType::NoDefaultDiscoveryRedirectUrl,
            Self::MustUseHttps => ErrorType::RedirectUrlMustUseHttps,
            Self::CannotUseProtocol => ErrorType::RedirectUrlCannotUseProtocol,
            Self::PkceRequiredForNativeCallback => ErrorType::PkceRequiredForNativeCallback,
            Self::NoWildcardsInLive => ErrorType::NoWildcardsInLiveRedirectUrl,
            Self::WildcardCannotBeDefault => ErrorType::RedirectUrlWithWildcardCannotBeDefault,
            Self::PlaceholderCannotBeDefault => ErrorType::RedirectUrlWithPlaceholderCannotBeDefault,
        }
    }
}

/// The URL to send a member to, in its normal form.
///
/// A requested URL must be configured for this type: same scheme, host, port, path and query. Three things are
/// looser. `www.example.com` and `example.com` count as the same host (whichever was asked for is used, since the
/// PKCE verifier lies in the storage of that origin). A wildcard fits one host label. A configured query parameter
/// with the value `{}` fits any value.
///
/// Without a requested URL the default of the type is taken.
pub fn choose(
    configured: &[RedirectUrl],
    requested: Option<&str>,
    kind: RedirectUrlType,
    rules: EnvironmentRules,
    has_pkce: bool,
) -> Result<String, RedirectUrlError> {
    let url = match requested {
        Some(text) => {
            let url = parse(text, kind)?;
            refuse_insecure(&url, rules)?;
            if !(rules == EnvironmentRules::Dev && is_on_this_machine(&url)) {
                find_match(configured, &url, kind, rules)?;
            }
            url
        }
        None => {
            let url = parse(default_of(configured, kind)?, kind)?;
            refuse_insecure(&url, rules)?;
            url
        }
    };
    if is_native(&url) && !has_pkce {
        return Err(RedirectUrlError::PkceRequiredForNativeCallback);
    }
    Ok(url.into())
}

/// Whether a URL that [`choose`] gave for another type leads to where people set a new password: it is configured for
/// that, and not for the type it was chosen for. Sign-up with a password works this way: the page for new passwords
/// gets a login link (contract `frontend.md` §6).
pub fn leads_to_password_reset(
    configured: &[RedirectUrl],
    url: &str,
    kind: RedirectUrlType,
    rules: EnvironmentRules,
) -> bool {
    let is_configured =
        |kind| parse(url, kind).is_ok_and(|url| find_match(configured, &url, kind, rules).is_ok());
    is_configured(RedirectUrlType::ResetPassword) && !is_configured(kind)
}

/// Checks a URL that is about to be configured for some types.
///
/// Chosen: a wildcard is a `*` within the first label of an http(s) host, and only where the rest of the host
/// belongs to one owner: `https://*.example.com`, `https://preview-*.example.com`, never `https://*.com`,
/// `https://*.co.uk` or `https://example.com*`.
pub fn validate_configuration(
    url: &str,
    types: &[ValidType],
    rules: EnvironmentRules,
) -> Result<(), RedirectUrlError> {
    let kind = types.first().map_or(RedirectUrlType::Login, |valid| valid.r#type);
    let is_default = types.iter().any(|valid| valid.is_default);
    let parsed = parse(url, kind)?;
    refuse_insecure(&parsed, rules)?;
    if url.contains('*') {
        if rules == EnvironmentRules::Live {
            return Err(RedirectUrlError::NoWildcardsInLive);
        }
        if !is_safe_wildcard(&parsed) {
            return Err(RedirectUrlError::InvalidFormat(kind));
        }
        if is_default {
            return Err(RedirectUrlError::WildcardCannotBeDefault);
        }
    }
    if is_default && has_placeholder(&parsed) {
        return Err(RedirectUrlError::PlaceholderCannotBeDefault);
    }
    Ok(())
}

/// Appends parameters to the query of a URL; whatever it already has, the fragment too, stays as it is.
pub fn append_query(url: &str, pairs: &[(&str, &str)]) -> String {
    if pairs.is_empty() {
        return url.to_owned();
    }
    let (base, fragment) = url.split_at(url.find('#').unwrap_or(url.len()));
    let separator = match base.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let added = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{base}{separator}{added}{fragment}")
}

/// Schemes that run code, read local data, or that a browser or phone handles itself instead of an application.
const REFUSED_SCHEMES: &[&str] = &[
    "about",
    "blob",
    "chrome",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "resource",
    "sms",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Takes a URL apart, if it can be taken apart in only one way.
fn parse(text: &str, kind: RedirectUrlType) -> Result<Url, RedirectUrlError> {
    let invalid = RedirectUrlError::InvalidFormat(kind);
    // The parser of browsers drops tabs and newlines and reads a backslash as a slash; others do not. A fragment
    // would swallow the parameters that are appended for readers that do not look for one.
    let is_ambiguous = |c: char| c.is_control() || c.is_whitespace() || c == '\\' || c == '#';
    if text.len() > URL_BYTES_MAX || text.contains(is_ambiguous) {
        return Err(invalid);
    }
    let (scheme, rest) = text.split_once(':').ok_or(invalid)?;
    if !is_scheme(scheme) {
        return Err(invalid);
    }
    let scheme = scheme.to_ascii_lowercase();
    if REFUSED_SCHEMES.contains(&scheme.as_str()) {
        return Err(RedirectUrlError::CannotUseProtocol);
    }
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            // Credentials hide the host from people; an encoded host hides it from programs.
            if authority.contains(['@', '%']) || (authority.is_empty() && is_web_scheme(&scheme)) {
                return Err(invalid);
            }
            path
        }
        // RFC 8252 §7.1: native schemes may come with a path alone, `com.example.app:/callback`.
        None if rest.starts_with('/') && !is_web_scheme(&scheme) => rest,
        None => return Err(invalid),
    };
    if has_dot_segment(path.split('?').next().unwrap_or_default()) {
        return Err(invalid);
    }
    let url = Url::parse(text).map_err(|_| invalid)?;
    // `example.com.` is the same host for the network and another one for everything that compares names.
    if is_web(&url) && url.host_str().is_none_or(|host| host.ends_with('.')) {
        return Err(invalid);
    }
    Ok(url)
}

/// The grammar of RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Whether a path has a `.` or `..` in it, encoded or not, which a parser would resolve.
fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    })
}

fn is_web_scheme(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

fn is_web(url: &Url) -> bool {
    is_web_scheme(url.scheme())
}

fn is_native(url: &Url) -> bool {
    !is_web(url)
}

fn is_on_this_machine(url: &Url) -> bool {
    is_web(url)
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
            Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
            None => false,
        }
}

fn refuse_insecure(url: &Url, rules: EnvironmentRules) -> Result<(), RedirectUrlError> {
    if rules == EnvironmentRules::Live && url.scheme() == "http" {
        return Err(RedirectUrlError::MustUseHttps);
    }
    Ok(())
}

/// The configured URLs of a type.
fn of_kind(configured: &[RedirectUrl], kind: RedirectUrlType) -> impl Iterator<Item = (&str, ValidType)> {
    configured.iter().filter_map(move |redirect| {
        let valid = redirect.valid_types.iter().find(|valid| valid.r#type == kind)?;
        Some((redirect.url.as_str(), *valid))
    })
}

fn default_of(configured: &[RedirectUrl], kind: RedirectUrlType) -> Result<&str, RedirectUrlError> {
    let mut candidates = of_kind(configured, kind).peekable();
    if candidates.peek().is_none() {
        return Err(RedirectUrlError::NoneConfigured(kind));
    }
    // A pattern is no place to go to, whatever the stored flag says.
    let is_pattern = |url: &str| url.contains('*') || Url::parse(url).is_ok_and(|url| has_placeholder(&url));
    candidates
        .find(|(url, valid)| valid.is_default && !is_pattern(url))
        .map(|(url, _)| url)
        .ok_or(RedirectUrlError::NoDefault(kind))
}

fn find_match(
    configured: &[RedirectUrl],
    url: &Url,
    kind: RedirectUrlType,
    rules: EnvironmentRules,
) -> Result<(), RedirectUrlError> {
    let mut refusal = RedirectUrlError::NoMatch;
    for (allowed, _) in of_kind(configured, kind) {
        let Ok(allowed) = parse(allowed, kind) else { continue };
        let is_same_place = allowed.scheme() == url.scheme()
            && allowed.port_or_known_default() == url.port_or_known_default()
            && allowed.path() == url.path()
            && hosts_match(&allowed, url, rules);
        if is_same_place && queries_match(&allowed, url) {
            return Ok(());
        }
        if is_same_place && has_placeholder(&allowed) {
            refusal = RedirectUrlError::QueryParamsDoNotMatch;
        }
    }
    Err(refusal)
}

fn hosts_match(allowed: &Url, url: &Url, rules: EnvironmentRules) -> bool {
    let (Some(allowed_host), Some(host)) = (allowed.host_str(), url.host_str()) else {
        return allowed.host_str() == url.host_str();
    };
    if is_native(allowed) {
        return allowed_host == host;
    }
    match wildcard(allowed_host) {
        Some(pattern) => rules != EnvironmentRules::Live && pattern.fits(host),
        None => without_www(allowed_host) == without_www(host),
    }
}

/// Spec 01b §1: `www.example.com` and `example.com` count as equal.
fn without_www(host: &str) -> &str {
    host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host)
}

/// A host whose first label has a `*`.
struct Wildcard<'a> {
    before: &'a str,
    after: &'a str,
    parent: &'a str,
}

fn wildcard(host: &str) -> Option<Wildcard<'_>> {
    let (label, parent) = host.split_once('.')?;
    let (before, after) = label.split_once('*')?;
    Some(Wildcard { before, after, parent })
}

impl Wildcard<'_> {
    /// Whether `host` is the pattern with letters, digits or hyphens, at least one, in place of the `*`.
    fn fits(&self, host: &str) -> bool {
        let Some((label, parent)) = host.split_once('.') else { return false };
        let stars = label.strip_prefix(self.before).and_then(|rest| rest.strip_suffix(self.after));
        parent == self.parent
            && stars.is_some_and(|stars| {
                !stars.is_empty() && stars.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            })
    }
}

/// Whether a URL's only `*` is in the first label of a host that otherwise belongs to one owner.
fn is_safe_wildcard(url: &Url) -> bool {
    let is_owned = |parent: &str| parent == "localhost" || email::parse_domain(parent).is_some();
    is_web(url)
        && url.as_str().matches('*').count() == 1
        && url.host_str().and_then(wildcard).is_some_and(|pattern| is_owned(pattern.parent))
}

/// The value of a configured query parameter that stands for any value.
const PLACEHOLDER: &str = "{}";

fn parameters(url: &Url) -> impl Iterator<Item = (&str, &str)> {
    url.query()
        .into_iter()
        .flat_map(|query| query.split('&'))
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn has_placeholder(url: &Url) -> bool {
    parameters(url).any(|(_, value)| value == PLACEHOLDER)
}

/// Whether the queries are equal, up to the values of placeholders.
fn queries_match(allowed: &Url, url: &Url) -> bool {
    allowed.query() == url.query()
        || (has_placeholder(allowed)
            && parameters(allowed).count() == parameters(url).count()
            && parameters(allowed).zip(parameters(url)).all(
                |((allowed_name, allowed_value), (name, value))| {
                    allowed_name == name && (allowed_value == PLACEHOLDER || allowed_value == value)
                },
            ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::EnvironmentRules::{Dev, Live, Test};
    use super::RedirectUrlError as Refusal;
    use super::RedirectUrlType::{Discovery, Invite, Login, ResetPassword, Signup};
    use super::*;

    fn configured(url: &str, types: &[(RedirectUrlType, bool)]) -> RedirectUrl {
        let valid_types =
            types.iter().map(|&(r#type, is_default)| ValidType { r#type, is_default }).collect();
        RedirectUrl { url: url.to_owned(), valid_types }
    }

    /// Asks for `requested` where only `allowed` is configured for logins.
    fn login(allowed: &str, requested: &str, rules: EnvironmentRules) -> Result<String, Refusal> {
        choose(&[configured(allowed, &[(Login, false)])], Some(requested), Login, rules, true)
    }

    const APP: &str = "https://app.example.com/authenticate?from=mail";

    #[test]
    fn the_configured_url_is_used() {
        assert_eq!(login(APP, APP, Live).as_deref(), Ok(APP));
        for same in [
            "HTTPS://APP.EXAMPLE.COM/authenticate?from=mail",
            "https://app.example.com:443/authenticate?from=mail",
        ] {
            assert_eq!(login(APP, same, Live).as_deref(), Ok(APP), "{same}");
        }
        assert_eq!(
            login("http://localhost:3000", "http://localhost:3000/", Test).as_deref(),
            Ok("http://localhost:3000/")
        );
    }

    #[test]
    fn whatever_differs_is_not_the_configured_url() {
        for other in [
            "https://app.example.com/authenticate",
            "https://app.example.com/authenticate?from=mail&x=1",
            "https://app.example.com/authenticate?FROM=mail",
            "https://app.example.com/authenticate?from=Mail",
            "https://app.example.com/authenticate/?from=mail",
            "https://app.example.com/Authenticate?from=mail",
            "https://app.example.com/?from=mail",
            "https://app.example.com:8443/authenticate?from=mail",
            "https://example.com/authenticate?from=mail",
            "https://www.app.example.com.evil.example/authenticate?from=mail",
            "app://app.example.com/authenticate?from=mail",
        ] {
            assert_eq!(login(APP, other, Live), Err(Refusal::NoMatch), "{other}");
        }
    }

    #[test]
    fn r23_urls_that_lead_elsewhere_are_refused() {
        let invalid = Err(Refusal::InvalidFormat(Login));
        let no_match = Err(Refusal::NoMatch);
        for (requested, expected) in [
            // Userinfo: the host is what stands behind the @.
            ("https://app.example.com@evil.example/authenticate?from=mail", invalid.clone()),
            ("https://app.example.com:443@evil.example/authenticate?from=mail", invalid.clone()),
            ("https://ada@app.example.com/authenticate?from=mail", invalid.clone()),
            ("https://ada:pw@app.example.com/authenticate?from=mail", invalid.clone()),
            ("https://evil.example%40app.example.com/authenticate?from=mail", invalid.clone()),
            // Backslash: a slash for browsers, a character of the host or path for others.
            ("https://evil.example\\@app.example.com/authenticate?from=mail", invalid.clone()),
            ("https://app.example.com\\.evil.example/authenticate?from=mail", invalid.clone()),
            ("https:\\\\app.example.com/authenticate?from=mail", invalid.clone()),
            // Tab, newline, space and NUL: dropped by browsers.
            ("https://app.example.com\t/authenticate?from=mail", invalid.clone()),
            ("https://app.exam\nple.com/authenticate?from=mail", invalid.clone()),
            ("\u{1}https://app.example.com/authenticate?from=mail", invalid.clone()),
            (" https://app.example.com/authenticate?from=mail", invalid.clone()),
            ("https://app.example.com/authenticate?from=mail ", invalid.clone()),
            ("https://app.example.com/authenticate?from=mail\r\nSet-Cookie: a=b", invalid.clone()),
            ("https://app.example.com\0.evil.example/authenticate?from=mail", invalid.clone()),
            ("https://app.example.com\u{2028}/authenticate?from=mail", invalid.clone()),
            ("java\tscript:alert(1)", invalid.clone()),
            // IDN: a look-alike is another host; letters that turn into ours lead to ours, and are shown as ours.
            ("https://\u{430}pp.example.com/authenticate?from=mail", no_match.clone()),
            ("https://xn--pp-7kc.example.com/authenticate?from=mail", no_match.clone()),
            ("https://xn--app-.example.com/authenticate?from=mail", invalid.clone()),
            ("https://app.example.com\u{ff0f}.evil.example/authenticate?from=mail", invalid.clone()),
            ("https://app.example.com\u{3002}evil.example/authenticate?from=mail", no_match.clone()),
            ("https://app\u{3002}example\u{3002}com/authenticate?from=mail", Ok(APP.to_owned())),
            // Trailing dot.
            ("https://app.example.com./authenticate?from=mail", invalid.clone()),
            ("https://app.example.com\u{3002}/authenticate?from=mail", invalid.clone()),
            // Port.
            ("https://app.example.com:80/authenticate?from=mail", no_match.clone()),
            ("https://app.example.com:/authenticate?from=mail", Ok(APP.to_owned())),
            ("https://app.example.com:65536/authenticate?from=mail", invalid.clone()),
            ("https://app.example.com:443.evil.example/authenticate?from=mail", invalid.clone()),
            // Dot segments, plain, encoded and encoded twice.
            ("https://app.example.com/x/../authenticate?from=mail", invalid.clone()),
            ("https://app.example.com/./authenticate?from=mail", invalid.clone()),
            ("https://app.example.com/authenticate/..?from=mail", invalid.clone()),
            ("https://app.example.com/x/%2e%2E/authenticate?from=mail", invalid.clone()),
            ("https://app.example.com/x/.%2e/authenticate?from=mail", invalid.clone()),
            ("https://app.example.com/x/%252e%252e/authenticate?from=mail", no_match.clone()),
            ("https://app.example.com/authenticate%3Ffrom=mail", no_match.clone()),
            ("https://app.example.com/%61uthenticate?from=mail", no_match.clone()),
            ("https://app.example.com%2fauthenticate?from=mail", invalid.clone()),
            ("https://app.example%2ecom/authenticate?from=mail", invalid.clone()),
            // Hosts that begin, end or are written like ours.
            ("https://app.example.com.evil.example/authenticate?from=mail", no_match.clone()),
            ("https://evil-app.example.com/authenticate?from=mail", no_match.clone()),
            ("https://evil.example/app.example.com/authenticate?from=mail", no_match.clone()),
            ("https://evil.example?app.example.com/authenticate?from=mail", no_match.clone()),
            ("https://evil.example#app.example.com/authenticate?from=mail", invalid.clone()),
            ("https://app.example.com/authenticate?from=mail#x", invalid.clone()),
            ("https://*.example.com/authenticate?from=mail", no_match.clone()),
            // Other ways to write an absolute URL.
            ("//app.example.com/authenticate?from=mail", invalid.clone()),
            ("https:app.example.com/authenticate?from=mail", invalid.clone()),
            ("https:/app.example.com/authenticate?from=mail", invalid.clone()),
            ("https:///app.example.com/authenticate?from=mail", invalid.clone()),
            ("/authenticate?from=mail", invalid.clone()),
            ("authenticate", invalid.clone()),
            ("app.example.com", invalid.clone()),
            ("https://", invalid.clone()),
            ("", invalid.clone()),
            ("https://[::1/authenticate", invalid.clone()),
            // Schemes.
            ("http://app.example.com/authenticate?from=mail", Err(Refusal::MustUseHttps)),
            ("javascript:alert(1)", Err(Refusal::CannotUseProtocol)),
            ("JavaScript://app.example.com/%0aalert(1)", Err(Refusal::CannotUseProtocol)),
            ("data:text/html,x", Err(Refusal::CannotUseProtocol)),
            ("file:///etc/passwd", Err(Refusal::CannotUseProtocol)),
            ("vbscript:x", Err(Refusal::CannotUseProtocol)),
            ("blob:https://app.example.com/authenticate", Err(Refusal::CannotUseProtocol)),
            ("view-source:https://app.example.com/authenticate", Err(Refusal::CannotUseProtocol)),
            ("intent://app.example.com/authenticate", Err(Refusal::CannotUseProtocol)),
            ("wss://app.example.com/authenticate?from=mail", Err(Refusal::CannotUseProtocol)),
        ] {
            assert_eq!(login(APP, requested, Live), expected, "{requested:?}");
        }
    }

    #[test]
    fn a_url_is_at_most_2048_bytes() {
        let of_length = |bytes: usize| format!("https://app.example.com/{}", "a".repeat(bytes - 24));
        assert!(login(&of_length(2048), &of_length(2048), Live).is_ok());
        assert_eq!(login(&of_length(2049), &of_length(2049), Live), Err(Refusal::InvalidFormat(Login)));
    }

    #[test]
    fn www_is_the_same_host() {
        for (allowed, requested) in [
            ("https://example.com/a", "https://www.example.com/a"),
            ("https://www.example.com/a", "https://example.com/a"),
        ] {
            // The origin that was asked for: its storage has the PKCE verifier.
            assert_eq!(login(allowed, requested, Live).as_deref(), Ok(requested));
        }
        for requested in
            ["https://www.www.example.com/a", "https://wwww.example.com/a", "https://www2.example.com/a"]
        {
            assert_eq!(login("https://example.com/a", requested, Live), Err(Refusal::NoMatch), "{requested}");
        }
        assert_eq!(login("https://com/a", "https://www.com/a", Live), Err(Refusal::NoMatch));
        assert_eq!(login("app://example.com/a", "app://www.example.com/a", Live), Err(Refusal::NoMatch));
    }

    #[test]
    fn a_url_counts_only_for_its_types() {
        let list =
            [configured(APP, &[(Login, true)]), configured("https://app.example.com/new", &[(Signup, true)])];
        assert_eq!(choose(&list, Some(APP), Signup, Live, true), Err(Refusal::NoMatch));
        assert_eq!(choose(&list, Some(APP), Login, Live, true).as_deref(), Ok(APP));
        assert_eq!(choose(&[], Some(APP), Login, Live, true), Err(Refusal::NoMatch));
    }

    #[test]
    fn a_url_for_new_passwords_is_told_from_one_that_also_signs_in() {
        let list = [
            configured(APP, &[(Login, true), (ResetPassword, false)]),
            configured("https://app.example.com/new", &[(ResetPassword, true)]),
        ];
        let leads = |url, kind| leads_to_password_reset(&list, url, kind, Live);
        assert!(leads("https://app.example.com/new", Login));
        assert!(leads(APP, Signup));
        assert!(!leads(APP, Login));
        assert!(!leads("https://app.example.com/other", Login));
        assert!(!leads("javascript:alert(1)", Login));
    }

    #[test]
    fn without_a_request_the_default_of_the_type_is_taken() {
        let list = [
            configured("https://app.example.com/other", &[(Login, false), (Invite, false)]),
            configured(APP, &[(Login, true), (Discovery, true)]),
        ];
        assert_eq!(choose(&list, None, Login, Live, false).as_deref(), Ok(APP));
        assert_eq!(choose(&list, None, Discovery, Live, false).as_deref(), Ok(APP));
        assert_eq!(choose(&list, None, Invite, Live, false), Err(Refusal::NoDefault(Invite)));
        assert_eq!(choose(&list, None, Signup, Live, false), Err(Refusal::NoneConfigured(Signup)));
        assert_eq!(choose(&[], None, ResetPassword, Dev, false), Err(Refusal::NoneConfigured(ResetPassword)));
    }

    #[test]
    fn a_stored_default_is_checked_like_a_requested_url() {
        let default = |url| choose(&[configured(url, &[(Login, true)])], None, Login, Live, false);
        assert_eq!(default("http://app.example.com/"), Err(Refusal::MustUseHttps));
        assert_eq!(default("javascript:alert(1)"), Err(Refusal::CannotUseProtocol));
        assert_eq!(default("com.example.app:/callback"), Err(Refusal::PkceRequiredForNativeCallback));
        assert_eq!(default("https://*.example.com/"), Err(Refusal::NoDefault(Login)));
        assert_eq!(default("https://app.example.com/?to={}"), Err(Refusal::NoDefault(Login)));
    }

    #[test]
    fn native_schemes_need_pkce() {
        for native in ["slack://auth/callback", "com.example.app:/oauth/callback", "myapp:///callback?x=1"] {
            let list = [configured(native, &[(Login, true)])];
            for rules in [Live, Test, Dev] {
                assert_eq!(choose(&list, Some(native), Login, rules, true).as_deref(), Ok(native));
                assert_eq!(
                    choose(&list, Some(native), Login, rules, false),
                    Err(Refusal::PkceRequiredForNativeCallback)
                );
            }
        }
        assert_eq!(login("slack://auth/callback", "slack://other/callback", Live), Err(Refusal::NoMatch));
        assert_eq!(login("myapp:/a", "myapp:a", Live), Err(Refusal::InvalidFormat(Login)));
        assert_eq!(login("myapp://a/b", "myapp://x@a/b", Live), Err(Refusal::InvalidFormat(Login)));
    }

    #[test]
    fn under_dev_this_machine_needs_no_configuration() {
        for local in [
            "http://localhost:3000/authenticate",
            "http://localhost/",
            "https://localhost:3443/any/path?and=query",
            "http://127.0.0.1:5173/",
            "http://[::1]:3000/x",
        ] {
            assert_eq!(choose(&[], Some(local), Login, Dev, false).as_deref(), Ok(local));
            assert_eq!(choose(&[], Some(local), Login, Test, false), Err(Refusal::NoMatch), "{local}");
        }
        for other in [
            "http://localhost.evil.example:3000/",
            "http://127.0.0.1.evil.example/",
            "http://notlocalhost:3000/",
            "http://127.0.0.2:3000/",
            "http://0.0.0.0:3000/",
            "http://192.168.1.10:3000/",
            "app://localhost/",
        ] {
            assert_eq!(choose(&[], Some(other), Login, Dev, true), Err(Refusal::NoMatch), "{other}");
        }
        for hidden in ["http://localhost:3000@evil.example/", "http://evil.example\\@localhost:3000/"] {
            assert_eq!(
                choose(&[], Some(hidden), Login, Dev, true),
                Err(Refusal::InvalidFormat(Login)),
                "{hidden}"
            );
        }
    }

    #[test]
    fn a_wildcard_fits_one_label_of_the_same_owner() {
        for (allowed, requested) in [
            ("https://*.example.com/a", "https://acme.example.com/a"),
            ("https://*.example.com/a", "https://pr-42.example.com/a"),
            ("https://preview-*-acme.example.com/a", "https://preview-42-acme.example.com/a"),
            ("http://*.localhost:3000/a", "http://acme.localhost:3000/a"),
        ] {
            assert_eq!(login(allowed, requested, Test).as_deref(), Ok(requested), "{allowed}");
            assert!(login(allowed, requested, Live).is_err(), "{allowed}");
        }
        for (allowed, requested) in [
            ("https://*.example.com/a", "https://example.com/a"),
            ("https://*.example.com/a", "https://.example.com/a"),
            ("https://*.example.com/a", "https://a.b.example.com/a"),
            ("https://*.example.com/a", "https://evil.example/a"),
            ("https://*.example.com/a", "https://acme.example.com.evil.example/a"),
            ("https://*.example.com/a", "https://evilexample.com/a"),
            ("https://*.example.com/a", "https://acme.example.com/b"),
            ("https://*.example.com/a", "https://acme.example.com:8443/a"),
            ("https://*.example.com/a", "http://acme.example.com/a"),
            ("https://*.example.com/a", "https://*.example.com/a"),
            ("https://*.example.com/a", "https://a_b.example.com/a"),
            ("https://x-*-x.example.com/a", "https://x-x.example.com/a"),
            ("https://x-*-x.example.com/a", "https://x--x.example.com/a"),
            // As configured nowhere, but should it ever get into the store:
            ("https://example.com*", "https://example.com.evil.example/"),
            ("https://app.example.com/*", "https://app.example.com/a"),
            ("app://*.example/a", "app://acme.example/a"),
        ] {
            assert_eq!(login(allowed, requested, Test), Err(Refusal::NoMatch), "{allowed} {requested}");
        }
    }

    #[test]
    fn a_placeholder_fits_any_value_of_its_parameter() {
        let allowed = "https://app.example.com/a?from=mail&to={}";
        for requested in [
            "https://app.example.com/a?from=mail&to=%2Fprojects%2F1",
            "https://app.example.com/a?from=mail&to=",
            "https://app.example.com/a?from=mail&to={}",
        ] {
            assert_eq!(login(allowed, requested, Live).as_deref(), Ok(requested));
        }
        for requested in [
            "https://app.example.com/a",
            "https://app.example.com/a?to=x",
            "https://app.example.com/a?to=x&from=mail",
            "https://app.example.com/a?from=web&to=x",
            "https://app.example.com/a?from=mail&to=x&more=1",
            "https://app.example.com/a?from=mail&to=x&to=y",
        ] {
            assert_eq!(login(allowed, requested, Live), Err(Refusal::QueryParamsDoNotMatch), "{requested}");
        }
        assert_eq!(login(allowed, "https://app.example.com/b?from=mail&to=x", Live), Err(Refusal::NoMatch));
    }

    #[test]
    fn configuration_takes_only_what_can_be_used_safely() {
        let check = |url: &str, is_default: bool, rules| {
            validate_configuration(url, &[ValidType { r#type: Signup, is_default }], rules)
        };
        for (url, is_default, rules) in [
            (APP, true, Live),
            ("com.example.app:/callback", true, Live),
            ("http://localhost:3000/authenticate", true, Test),
            ("http://intranet/authenticate", true, Test),
            ("https://*.example.com/a", false, Test),
            ("https://*-acme.vercel.app/a", false, Dev),
            ("http://*.localhost:3000/a", false, Test),
            ("https://app.example.com/a?to={}", false, Live),
            ("https://bücher.example/a", true, Live),
        ] {
            assert_eq!(check(url, is_default, rules), Ok(()), "{url}");
        }
        let invalid = Refusal::InvalidFormat(Signup);
        for (url, is_default, rules, refusal) in [
            ("http://app.example.com/a", true, Live, Refusal::MustUseHttps),
            ("http://localhost:3000/a", true, Live, Refusal::MustUseHttps),
            ("https://*.example.com/a", false, Live, Refusal::NoWildcardsInLive),
            ("https://app.example.com/*", false, Live, Refusal::NoWildcardsInLive),
            ("https://*.example.com/a", true, Test, Refusal::WildcardCannotBeDefault),
            ("https://app.example.com/a?to={}", true, Live, Refusal::PlaceholderCannotBeDefault),
            ("javascript:alert(1)", true, Test, Refusal::CannotUseProtocol),
            ("ftp://example.com/a", true, Test, Refusal::CannotUseProtocol),
            ("https://example.com*", false, Test, invalid),
            ("https://example.com*/a", false, Test, invalid),
            ("https://example.*/a", false, Test, invalid),
            ("https://a.*.example.com/a", false, Test, invalid),
            ("https://*.*.example.com/a", false, Test, invalid),
            ("https://**.example.com/a", false, Test, invalid),
            ("https://*.com/a", false, Test, invalid),
            ("https://*.co.uk/a", false, Test, invalid),
            ("https://*/a", false, Test, invalid),
            ("https://*:3000/a", false, Test, invalid),
            ("https://*.0.0.1/a", false, Test, invalid),
            ("https://app.example.com/*", false, Test, invalid),
            ("https://app.example.com/a?to=*", false, Test, invalid),
            ("myapp://*.example/a", false, Test, invalid),
            ("https://ada@app.example.com/a", true, Test, invalid),
            ("https://app.example.com/a#x", true, Test, invalid),
            ("https://app.example.com/../a", true, Test, invalid),
            ("https://app.example.com./a", true, Test, invalid),
            ("/authenticate", true, Test, invalid),
            ("", true, Test, invalid),
        ] {
            assert_eq!(check(url, is_default, rules), Err(refusal), "{url}");
        }
    }

    #[test]
    fn refusals_have_the_documented_names() {
        for (refusal, name) in [
            (Refusal::InvalidFormat(Login), "invalid_login_redirect_url"),
            (Refusal::InvalidFormat(Discovery), "invalid_discovery_redirect_url"),
            (Refusal::InvalidFormat(ResetPassword), "invalid_password_reset_redirect_url"),
            (Refusal::NoMatch, "no_match_for_provided_magic_link_url"),
            (Refusal::QueryParamsDoNotMatch, "query_params_do_not_match"),
            (Refusal::NoneConfigured(Signup), "no_signup_redirect_urls_set"),
            (Refusal::NoneConfigured(ResetPassword), "no_password_reset_redirect_url"),
            (Refusal::NoDefault(Invite), "no_default_invite_redirect_url_set"),
            (Refusal::MustUseHttps, "redirect_url_must_use_https"),
            (Refusal::CannotUseProtocol, "redirect_url_cannot_use_protocol"),
            (Refusal::PkceRequiredForNativeCallback, "pkce_required_for_native_callback"),
            (Refusal::NoWildcardsInLive, "no_wildcards_in_live_redirect_url"),
            (Refusal::WildcardCannotBeDefault, "redirect_url_with_wildcard_cannot_be_default"),
            (
                Refusal::PlaceholderCannotBeDefault,
                "redirect_url_with_query_param_placeholder_cannot_be_default",
            ),
        ] {
            assert_eq!(refusal.error_type().name(), name);
            assert_eq!(refusal.error_type().status(), 400);
        }
    }

    #[test]
    fn a_redirect_url_has_the_documented_json() {
        let url = configured(APP, &[(Login, true), (ResetPassword, false)]);
        let json = serde_json::json!({
            "url": APP,
            "valid_types": [
                {"type": "LOGIN", "is_default": true},
                {"type": "RESET_PASSWORD", "is_default": false},
            ],
        });
        assert_eq!(serde_json::to_value(&url).expect("JSON"), json);
        assert_eq!(serde_json::from_value::<RedirectUrl>(json).expect("a redirect URL"), url);
    }

    #[test]
    fn parameters_are_appended_to_what_is_there() {
        let pairs = [("token", "a-b_c="), ("slug", "a&b c")];
        for (url, expected) in [
            ("https://a.example/", "https://a.example/?token=a-b_c%3D&slug=a%26b+c"),
            ("https://a.example/?x=1", "https://a.example/?x=1&token=a-b_c%3D&slug=a%26b+c"),
            ("https://a.example/?", "https://a.example/?token=a-b_c%3D&slug=a%26b+c"),
            ("https://a.example/?x&", "https://a.example/?x&token=a-b_c%3D&slug=a%26b+c"),
            ("https://a.example/#/p?q", "https://a.example/?token=a-b_c%3D&slug=a%26b+c#/p?q"),
            ("https://a.example/?x=%20y#f", "https://a.example/?x=%20y&token=a-b_c%3D&slug=a%26b+c#f"),
            ("slack://auth/callback", "slack://auth/callback?token=a-b_c%3D&slug=a%26b+c"),
        ] {
            assert_eq!(append_query(url, &pairs), expected);
        }
        assert_eq!(append_query("https://a.example/?x#f", &[]), "https://a.example/?x#f");
    }

    /// The host as a naive reader sees it (RFC 3986 appendix B), not as the parser of browsers does.
    fn naive_host(url: &str) -> &str {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        host.rsplit_once(':').map_or(host, |(host, _)| host)
    }

    /// Pieces that URLs and attacks on them are made of.
    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            prop::sample::select(vec![
                "https://",
                "http://",
                "app.example.com",
                "example.com",
                "www.",
                "evil.example",
                "localhost",
                "@",
                "\\",
                "/",
                "//",
                ".",
                "..",
                "?",
                "#",
                ":",
                ":443",
                "&",
                "=",
                "%2e",
                "%2f",
                "%40",
                "%00",
                "\t",
                "\n",
                " ",
                "*",
                "{}",
                "\u{3002}",
                "\u{ff0f}",
                "\u{ff20}",
                "\u{430}",
                "\u{200b}",
                "xn--",
                "-",
                "to",
                "a",
            ])
            .prop_map(str::to_owned),
            any::<char>().prop_map(String::from),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_request_leads_to_a_host_that_is_not_configured(
            start in prop::sample::select(vec!["", "https://", "https://app.example.com", "https://app.example.com/a?to="]),
            pieces in prop::collection::vec(piece(), 0..8),
            is_live: bool,
        ) {
            let requested = start.to_owned() + &pieces.concat();
            let list = [
                configured("https://app.example.com/a?to={}", &[(Login, false)]),
                configured("https://example.com/", &[(Login, true)]),
                configured("https://*.preview.example.com/", &[(Login, false)]),
            ];
            let rules = if is_live { Live } else { Test };
            if let Ok(url) = choose(&list, Some(&requested), Login, rules, true) {
                let parsed = Url::parse(&url).expect("a URL");
                let host = parsed.host_str().expect("a host");
                let is_configured = ["app.example.com", "www.app.example.com", "example.com", "www.example.com"].contains(&host)
                    || host.ends_with(".preview.example.com");
                prop_assert!(is_configured, "{:?} led to {}", requested, url);
                prop_assert_eq!(host, naive_host(&url), "two readers disagree about {}", url);
                prop_assert_eq!(parsed.scheme(), "https");
                prop_assert_eq!(parsed.as_str(), &url);
            }
        }

        #[test]
        fn what_was_chosen_can_be_asked_for_again(pieces in prop::collection::vec(piece(), 0..6)) {
            let requested = "https://app.example.com/a?to=".to_owned() + &pieces.concat();
            let list = [configured("https://app.example.com/a?to={}", &[(Login, false)])];
            if let Ok(url) = choose(&list, Some(&requested), Login, Live, true) {
                prop_assert_eq!(choose(&list, Some(&url), Login, Live, true), Ok(url.clone()));
                let sent = append_query(&url, &[("token", "t")]);
                let sent = Url::parse(&sent).expect("a URL");
                prop_assert_eq!(sent.query_pairs().last(), Some(("token".into(), "t".into())));
            }
        }

        #[test]
        fn any_text_is_answered_without_a_panic(configured_url: String, requested: String) {
            let list = [configured(&configured_url, &[(Login, true)])];
            let _ = choose(&list, Some(&requested), Login, Dev, false);
            let _ = choose(&list, None, Login, Dev, false);
            let _ = validate_configuration(&configured_url, &list[0].valid_types, Test);
            let _ = append_query(&requested, &[("token", "t")]);
        }
    }
}
