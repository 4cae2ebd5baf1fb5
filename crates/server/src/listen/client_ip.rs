//! Whose address a request counts for.
//!
//! The address decides rate limits and is written into sessions and audit records, so a client must not be able
//! to choose it. What a proxy says is believed only when the proxy is one of ours.

use std::net::{IpAddr, Ipv6Addr};

use http::{HeaderMap, HeaderName};

use crate::config::Cidr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client behind `peer`.
///
/// Without a trusted proxy it is `peer`. Otherwise `X-Forwarded-For` is walked from its end, where the nearest
/// proxy has written, and the first address that is no trusted proxy is the client: everything before it could
/// have been written by the client itself. An entry that is no address ends the walk at the hop that wrote it.
pub fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    let mut client = peer.to_canonical();
    if trusted.is_empty() || !is_trusted(client) {
        return client;
    }
    // A header that is repeated is one list, in order (RFC 9110 §5.3).
    let values = headers.get_all(X_FORWARDED_FOR).into_iter().rev();
    let entries = values.flat_map(|value| value.to_str().unwrap_or("").rsplit(','));
    for entry in entries {
        let Some(address) = parse_entry(entry.trim()) else { break };
        client = address;
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// An address as proxies write it: alone, in brackets, or with a port.
fn parse_entry(entry: &str) -> Option<IpAddr> {
    let address = match entry.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => match entry.parse::<std::net::SocketAddr>() {
            Ok(with_port) => with_port.ip(),
            Err(_) => entry.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok()?.into(),
        },
    };
    Some(address.to_canonical())
}

/// The address that rate limits count under.
///
/// One IPv6 customer holds at least a /64 and can use any address of it, so all of it counts as one. An
/// IPv4 address counts the same however it is written.
pub fn rate_limit_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, forwarded: &[&str], trusted: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted: Vec<Cidr> = trusted.iter().map(|range| range.parse().unwrap()).collect();
        let client = client_ip(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(client.to_string(), expected, "{peer} {forwarded:?} {trusted:?}");
    }

    #[test]
    fn header_is_ignored_unless_the_peer_is_a_trusted_proxy() {
        check("203.0.113.9", &["198.51.100.1"], &[], "203.0.113.9");
        check("203.0.113.9", &["198.51.100.1"], &["10.0.0.0/8"], "203.0.113.9");
        check("::ffff:203.0.113.9", &[], &[], "203.0.113.9");
    }

    #[test]
    fn trusted_proxy_names_the_client() {
        check("10.0.0.1", &["198.51.100.1"], &["10.0.0.0/8"], "198.51.100.1");
        check("::ffff:10.0.0.1", &["198.51.100.1"], &["10.0.0.0/8"], "198.51.100.1");
        check("10.0.0.1", &["2001:db8::7"], &["10.0.0.0/8"], "2001:db8::7");
        check("10.0.0.1", &["::ffff:198.51.100.1"], &["10.0.0.0/8"], "198.51.100.1");
    }

    #[test]
    fn client_cannot_put_an_address_in_front() {
        check("10.0.0.1", &["1.1.1.1, 198.51.100.1"], &["10.0.0.0/8"], "198.51.100.1");
        check("10.0.0.1", &["1.1.1.1", "198.51.100.1"], &["10.0.0.0/8"], "198.51.100.1");
        check("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"], &["10.0.0.0/8"], "198.51.100.1");
        check("10.0.0.1", &["10.0.0.3, 198.51.100.1,10.0.0.2"], &["10.0.0.0/8"], "198.51.100.1");
    }

    #[test]
    fn request_that_begins_at_a_proxy_counts_for_the_farthest_one() {
        check("10.0.0.1", &["10.0.0.3, 10.0.0.2"], &["10.0.0.0/8"], "10.0.0.3");
        check("10.0.0.1", &[], &["10.0.0.0/8"], "10.0.0.1");
    }

    #[test]
    fn entry_that_is_no_address_ends_the_walk() {
        check("10.0.0.1", &["198.51.100.1, unknown"], &["10.0.0.0/8"], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], &["10.0.0.0/8"], "10.0.0.2");
        check("10.0.0.1", &[""], &["10.0.0.0/8"], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.1,"], &["10.0.0.0/8"], "10.0.0.1");
    }

    #[test]
    fn ports_and_brackets_are_understood() {
        check("10.0.0.1", &["198.51.100.1:4711"], &["10.0.0.0/8"], "198.51.100.1");
        check("10.0.0.1", &["[2001:db8::7]:4711"], &["10.0.0.0/8"], "2001:db8::7");
        check("10.0.0.1", &["[2001:db8::7]"], &["10.0.0.0/8"], "2001:db8::7");
        check("10.0.0.1", &["198.51.100.1:99999"], &["10.0.0.0/8"], "10.0.0.1");
    }

    #[test]
    fn rate_limits_count_a_64_and_every_spelling_of_an_address_as_one() {
        for (a, b) in [
            ("198.51.100.1", "::ffff:198.51.100.1"),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"),
            ("2001:db8:0:1::1", "2001:0db8:0000:0001:0:0:0:1"),
        ] {
            assert_eq!(rate_limit_key(a.parse().unwrap()), rate_limit_key(b.parse().unwrap()), "{a} {b}");
        }
        for (a, b) in [("198.51.100.1", "198.51.100.2"), ("2001:db8:0:1::1", "2001:db8:0:2::1")] {
            assert_ne!(rate_limit_key(a.parse().unwrap()), rate_limit_key(b.parse().unwrap()), "{a} {b}");
        }
    }
}
