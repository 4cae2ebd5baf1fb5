//! Which addresses an outgoing request may reach.
//!
//! Addresses come from configuration that others can write (webhooks, metadata, JWKS, logos), so a request must not
//! reach what only this machine can reach: its own services, its network, the metadata service of its cloud.
//! The rule is on the address that is really connected to, after resolution, never on a name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::Cidr;

/// Whether an address may be reached: public ones under TLS, and any in a network that the operator allowed.
pub(super) fn is_permitted(address: IpAddr, is_tls: bool, allowed: &[Cidr]) -> bool {
    allowed.iter().any(|network| network.contains(address)) || (is_tls && is_public(address))
}

/// Whether an address is one of the public Internet: not loopback, private, link-local, shared, multicast,
/// documentation or otherwise special (IANA special-purpose address registries). IPv6 addresses that carry an IPv4
/// address are judged by it.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !match (a, b, c) {
        (0 | 10 | 127, _, _) => true,           // this network, private, loopback
        (100, 64..=127, _) => true,             // shared by carriers
        (169, 254, _) => true,                  // link-local, cloud metadata
        (172, 16..=31, _) => true,              // private
        (192, 0, 0 | 2) => true,                // protocol assignments, documentation
        (192, 88, 99) => true,                  // 6to4 relays
        (192, 168, _) => true,                  // private
        (198, 18 | 19, _) => true,              // benchmarks
        (198, 51, 100) | (203, 0, 113) => true, // documentation
        (224.., _, _) => true,                  // multicast, reserved, broadcast
        _ => false,
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    // NAT64 (RFC 6052): what is reached is the IPv4 address inside.
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    match segments[0] {
        0x2001 if segments[1] < 0x0200 => false, // protocol assignments: Teredo, benchmarks, ORCHID
        0x2001 if segments[1] == 0x0db8 => false, // documentation
        0x2002 => false,                         // 6to4 carries an IPv4 address
        0x3fff if segments[1] < 0x1000 => false, // documentation
        // Global unicast. All else is loopback, unique local, link-local, multicast or unassigned.
        first => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "169.253.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.31.195.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.0.1",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2001:200::1",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "3fff:1000::1",
        ] {
            assert!(is_public(ip(address)), "{address}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_public(ip(address)), "{address}");
        }
    }

    #[test]
    fn operator_can_allow_a_network_also_without_tls() {
        let allowed = ["10.1.0.0/16".parse().unwrap()];
        for (address, is_tls, expected) in [
            ("10.1.2.3", false, true),
            ("10.1.2.3", true, true),
            ("::ffff:10.1.2.3", true, true),
            ("10.2.0.1", true, false),
            ("1.1.1.1", true, true),
            ("1.1.1.1", false, false),
        ] {
            assert_eq!(is_permitted(ip(address), is_tls, &allowed), expected, "{address} {is_tls}");
        }
    }
}
