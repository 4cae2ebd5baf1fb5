//! Files that the pages load: styles, scripts, the icon.
//!
//! Each file's name carries a fingerprint of its bytes (`/assets/ostiary-1f2e….css`), so the server may let
//! browsers keep it for good (`Cache-Control: public, max-age=31536000, immutable`): a changed file has another
//! name. Pages name the files by [`Asset::path`], never by hand.

/// A file embedded in the binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Absolute path under which it is served, fingerprint included.
    pub path: &'static str,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// The file itself.
    pub bytes: &'static [u8],
    /// Value of `ETag`, quotes included.
    pub etag: &'static str,
}

/// Makes an [`Asset`] of a file beside this crate's sources, fingerprinted by the compiler.
macro_rules! asset {
    ($stem:literal, $extension:literal, $content_type:literal) => {{
        const BYTES: &[u8] =
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/", $stem, ".", $extension));
        const HEX: [u8; 16] = hex(fingerprint(BYTES));
        const HEX_TEXT: &str = text(&HEX);
        const PATH_PARTS: &[&str] = &["/assets/", $stem, "-", HEX_TEXT, ".", $extension];
        const PATH: [u8; length(PATH_PARTS)] = join(PATH_PARTS);
        const ETAG_PARTS: &[&str] = &["\"", HEX_TEXT, "\""];
        const ETAG: [u8; length(ETAG_PARTS)] = join(ETAG_PARTS);
        Asset { path: text(&PATH), content_type: $content_type, bytes: BYTES, etag: text(&ETAG) }
    }};
}

/// Design tokens of both themes.
pub(crate) static TOKENS: Asset = asset!("tokens", "css", "text/css; charset=utf-8");
/// Styles of every page.
pub(crate) static STYLE: Asset = asset!("ostiary", "css", "text/css; charset=utf-8");
/// Styles of the developer inbox.
pub(crate) static INBOX_STYLE: Asset = asset!("inbox", "css", "text/css; charset=utf-8");
/// Script of the developer inbox.
pub(crate) static INBOX_SCRIPT: Asset = asset!("inbox", "js", "text/javascript; charset=utf-8");
/// Script of the page behind a mail link.
pub(crate) static HOP_SCRIPT: Asset = asset!("hop", "js", "text/javascript; charset=utf-8");
/// The icon of every page.
pub(crate) static FAVICON: Asset = asset!("favicon", "svg", "image/svg+xml");

static ALL: [&Asset; 6] = [&TOKENS, &STYLE, &INBOX_STYLE, &INBOX_SCRIPT, &HOP_SCRIPT, &FAVICON];

/// Every file that a page may load.
pub fn all() -> impl Iterator<Item = &'static Asset> {
    ALL.into_iter()
}

/// The file served under `path` (the whole path of the request, `/assets/…`), if there is one.
pub fn find(path: &str) -> Option<&'static Asset> {
    all().find(|asset| asset.path == path)
}

/// FNV-1a, 64 bits. It only has to tell versions of our own files apart.
const fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

const fn hex(number: u64) -> [u8; 16] {
    let digits = b"0123456789abcdef";
    let mut hex = [0; 16];
    let mut index = 0;
    while index < 16 {
        hex[index] = digits[(number >> (60 - 4 * index)) as usize & 15];
        index += 1;
    }
    hex
}

const fn length(parts: &[&str]) -> usize {
    let mut length = 0;
    let mut part = 0;
    while part < parts.len() {
        length += parts[part].len();
        part += 1;
    }
    length
}

const fn join<const LENGTH: usize>(parts: &[&str]) -> [u8; LENGTH] {
    let mut joined = [0; LENGTH];
    let mut at = 0;
    let mut part = 0;
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut index = 0;
        while index < bytes.len() {
            joined[at] = bytes[index];
            at += 1;
            index += 1;
        }
        part += 1;
    }
    joined
}

const fn text(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("names of assets are text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprint_is_fnv_1a() {
        // Published test values of the hash.
        assert_eq!(fingerprint(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(&hex(fingerprint(b"foobar")), b"85944171f73967e8");
    }

    #[test]
    fn every_asset_is_found_by_its_path_and_by_nothing_else() {
        for asset in all() {
            assert_eq!(find(asset.path), Some(asset));
            let hex = asset.etag.trim_matches('"');
            assert_eq!(hex.len(), 16);
            assert!(asset.path.starts_with("/assets/") && asset.path.contains(hex), "{}", asset.path);
            assert!(!asset.bytes.is_empty());
        }
        for unknown in ["", "/assets/", "/assets/tokens.css", "/assets/../tokens.css"] {
            assert_eq!(find(unknown), None);
        }
    }

    #[test]
    fn both_dark_blocks_of_the_tokens_are_equal() {
        let tokens = std::str::from_utf8(TOKENS.bytes).expect("the tokens are text");
        let block = |start: &str| {
            let (_, after) = tokens.split_once(start).expect("the block is there");
            let (inside, _) = after.split_once('}').expect("the block ends");
            inside.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let by_system = block(":root:not([data-theme=\"light\"]) {");
        assert!(by_system.contains("--paper"));
        assert_eq!(by_system, block(":root[data-theme=\"dark\"] {"));
    }
}
