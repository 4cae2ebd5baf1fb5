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
                find_match(configured, &url, kind)?;
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

fn find_match(configured: &[RedirectUrl], url: &Url, kind: RedirectUrlType) -> Result<(), RedirectUrlError> {
    let mut refusal = RedirectUrlError::NoMatch;
    for (allowed, _) in of_kind(configured, kind) {
        let Ok(allowed) = parse(allowed, kind) else { continue };
        let is_same_place = allowed.scheme() == url.scheme()
            && allowed.port_or_known_default() == url.port_or_known_default()
            && allowed.path() == url.path()
            && hosts_match(&allowed, url);
        if is_same_place && queries_match(&allowed, url) {
            return Ok(());
        }
        if is_same_place && has_placeholder(&allowed) {
            refusal = RedirectUrlError::QueryParamsDoNotMatch;
        }
    }
    Err(refusal)
}

fn hosts_match(allowed: &Url, url: &Url) -> bool {
    let (Some(allowed_host), Some(host)) = (allowed.host_str(), url.host_str()) else {
        return allowed.host_str() == url.host_str();
    };
    if is_native(allowed) {
        return allowed_host == host;
    }
    match wildcard(allowed_host) {
        Some(pattern) => pattern.fits(host),
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
