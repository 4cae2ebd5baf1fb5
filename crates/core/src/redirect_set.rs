//! The redirect URLs of an environment as a set, in which each type has at most one default (spec 05a §3).

use crate::redirect_url::{
    EnvironmentRules, RedirectUrl, RedirectUrlType, ValidType, validate_configuration,
};

/// Adds types to a URL, which is added when it is new. Types that it had stay, with what is said of them now.
pub fn merge(urls: &mut Vec<RedirectUrl>, url: &str, types: &[ValidType], promotes: bool) {
    let mut merged =
        urls.iter().find(|known| known.url == url).map_or(Vec::new(), |known| known.valid_types.clone());
    for valid in types {
        match merged.iter_mut().find(|known| known.r#type == valid.r#type) {
            Some(known) => *known = *valid,
            None => merged.push(*valid),
        }
    }
    replace(urls, url, merged, promotes);
}

/// Sets the types of a URL, which is added when it is new. With `promotes`, a type that is left without a default gets
/// the oldest URL that can be one.
pub fn replace(urls: &mut Vec<RedirectUrl>, url: &str, types: Vec<ValidType>, promotes: bool) {
    let mut touched: Vec<RedirectUrlType> = types.iter().map(|valid| valid.r#type).collect();
    for other in urls.iter_mut().filter(|other| other.url != url) {
        for valid in &mut other.valid_types {
            let is_taken = types.iter().any(|new| new.r#type == valid.r#type && new.is_default);
            valid.is_default &= !is_taken;
        }
    }
    match urls.iter_mut().find(|known| known.url == url) {
        Some(known) => {
            touched.extend(known.valid_types.iter().map(|valid| valid.r#type));
            known.valid_types = types;
        }
        None => urls.push(RedirectUrl { url: url.to_owned(), valid_types: types }),
    }
    if promotes {
        promote(urls, &touched);
    }
}

/// Takes a URL out; says whether it was there.
pub fn remove(urls: &mut Vec<RedirectUrl>, url: &str, promotes: bool) -> bool {
    let Some(index) = urls.iter().position(|known| known.url == url) else { return false };
    let removed = urls.remove(index);
    if promotes {
        let types: Vec<_> = removed.valid_types.iter().map(|valid| valid.r#type).collect();
        promote(urls, &types);
    }
    true
}

fn promote(urls: &mut [RedirectUrl], types: &[RedirectUrlType]) {
    for kind in types {
        let mut of_type = urls.iter().flat_map(|url| &url.valid_types).filter(|valid| valid.r#type == *kind);
        if of_type.any(|valid| valid.is_default) {
            continue;
        }
        let heir = urls.iter_mut().find_map(|url| {
            let can_be_default = can_be_default(&url.url, *kind);
            url.valid_types.iter_mut().find(|valid| valid.r#type == *kind && can_be_default)
        });
        if let Some(heir) = heir {
            heir.is_default = true;
        }
    }
}

/// Wildcards and placeholders cannot be used as they stand. How strict the environment is was asked before.
fn can_be_default(url: &str, kind: RedirectUrlType) -> bool {
    let types = [ValidType { r#type: kind, is_default: true }];
    validate_configuration(url, &types, EnvironmentRules::Test).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use RedirectUrlType::{Login, Signup};

    fn valid(kind: RedirectUrlType, is_default: bool) -> ValidType {
        ValidType { r#type: kind, is_default }
    }

    fn default_of(urls: &[RedirectUrl], kind: RedirectUrlType) -> Vec<&str> {
        let is_default = |url: &&RedirectUrl| url.valid_types.contains(&valid(kind, true));
        urls.iter().filter(is_default).map(|url| url.url.as_str()).collect()
    }

    #[test]
    fn the_first_url_of_a_type_becomes_its_default_unless_told_otherwise() {
        let mut urls = Vec::new();
        merge(&mut urls, "https://a.example", &[valid(Login, false)], true);
        merge(&mut urls, "https://b.example", &[valid(Login, false)], true);
        merge(&mut urls, "https://b.example", &[valid(Signup, false)], false);
        assert_eq!(default_of(&urls, Login), ["https://a.example"]);
        assert!(default_of(&urls, Signup).is_empty());
        assert_eq!(urls[1].valid_types.len(), 2);
    }

    #[test]
    fn a_new_default_takes_the_place_of_the_old_one() {
        let mut urls = Vec::new();
        for url in ["https://a.example", "https://b.example"] {
            merge(&mut urls, url, &[valid(Login, true)], true);
        }
        assert_eq!(default_of(&urls, Login), ["https://b.example"]);
        replace(&mut urls, "https://b.example", vec![valid(Signup, false)], true);
        assert_eq!(default_of(&urls, Login), ["https://a.example"]);
    }

    #[test]
    fn the_oldest_that_can_inherits_the_default() {
        let mut urls = Vec::new();
        merge(&mut urls, "https://a.example", &[valid(Login, true)], true);
        merge(&mut urls, "https://*.b.example", &[valid(Login, false)], true);
        merge(&mut urls, "https://c.example", &[valid(Login, false)], true);
        assert!(remove(&mut urls, "https://a.example", true));
        assert!(!remove(&mut urls, "https://a.example", true));
        assert_eq!(default_of(&urls, Login), ["https://c.example"]);
        assert!(remove(&mut urls, "https://c.example", false));
        assert!(default_of(&urls, Login).is_empty());
    }
}
