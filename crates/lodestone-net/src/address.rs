//! Which addresses belong to the public internet, and what the others are.
//!
//! *Source:* the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890 and what it grew into), and for IPv6
//! the rule that only `2000::/3` is given out as global unicast. What is not known to be public is not public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address it is, by who can be behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressKind {
    /// A public unicast address.
    Public,
    /// A private network: RFC 1918 for IPv4, `fc00::/7` for IPv6.
    Private,
    /// This machine: `127.0.0.0/8`, `::1`.
    Loopback,
    /// Behind a carrier's translator: `100.64.0.0/10`.
    Shared,
    /// The same link: `169.254.0.0/16`, `fe80::/10`, and the site-local addresses of old, `fec0::/10`.
    LinkLocal,
    /// Where a cloud tells a machine its own credentials, outside the link-local range.
    Metadata,
    /// Many machines: `224.0.0.0/4`, `ff00::/8`, and the broadcast address.
    Multicast,
    /// No machine: `0.0.0.0/8`, `::`.
    Unspecified,
    /// For documents and measurements: TEST-NETs, `198.18.0.0/15`, `2001:db8::/32` and their like.
    Documentation,
    /// A tunnel or a translator, with another address inside: 6to4, Teredo, IPv4-compatible, `64:ff9b:1::/48`.
    Tunnel,
    /// Kept for protocols or not given out.
    Reserved,
}

impl AddressKind {
    /// True for the kinds that "private addresses allowed" lets through: private, loopback and shared. Link-local and
    /// metadata addresses never are: a cloud's credentials lie there, and who needs one names its network.
    #[must_use]
    pub fn is_internal(self) -> bool {
        matches!(self, Self::Private | Self::Loopback | Self::Shared)
    }

    /// The kind in words, for messages: "a private network".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Private => "a private network",
            Self::Loopback => "this machine",
            Self::Shared => "a carrier's internal network",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud's metadata service",
            Self::Multicast => "a multicast address",
            Self::Unspecified => "no address at all",
            Self::Documentation => "an address for documentation or tests",
            Self::Tunnel => "a tunnel",
            Self::Reserved => "a reserved address",
        }
    }
}

/// The kind of an address. An address with another inside it that is reached directly (`::ffff:a.b.c.d`, and the
/// translator's `64:ff9b::/96`) has the kind of the inner one.
#[must_use]
pub fn kind(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(v4) => kind_v4(v4),
        IpAddr::V6(v6) => kind_v6(v6),
    }
}

fn kind_v4(address: Ipv4Addr) -> AddressKind {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        (0, ..) => AddressKind::Unspecified,
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) => AddressKind::Private,
        (127, ..) => AddressKind::Loopback,
        // Azure's wire server, in the middle of public space; Alibaba's and Oracle's lie in special ranges.
        (168, 63, 129, 16) | (100, 100, 100, 200) | (192, 0, 0, 192) => AddressKind::Metadata,
        (100, 64..=127, ..) => AddressKind::Shared,
        (169, 254, ..) => AddressKind::LinkLocal,
        (192, 0, 0, _) | (192, 88, 99, _) => AddressKind::Reserved,
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) | (198, 18..=19, ..) => {
            AddressKind::Documentation
        }
        (224..=239, ..) | (255, 255, 255, 255) => AddressKind::Multicast,
        (240..=255, ..) => AddressKind::Reserved,
        _ => AddressKind::Public,
    }
}

fn kind_v6(address: Ipv6Addr) -> AddressKind {
    if address == Ipv6Addr::UNSPECIFIED {
        return AddressKind::Unspecified;
    }
    if address == Ipv6Addr::LOCALHOST {
        return AddressKind::Loopback;
    }
    let s = address.segments();
    let inner = || {
        let [.., a, b, c, d] = address.octets();
        kind_v4(Ipv4Addr::new(a, b, c, d))
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, _, _] => inner(),
        // ::a.b.c.d and ::ffff:0:a.b.c.d: no system should send there, and some translate it.
        [0, 0, 0, 0, 0, 0, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] => AddressKind::Tunnel,
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => inner(),
        [0x64, 0xff9b, ..] => AddressKind::Tunnel,
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => AddressKind::Metadata,
        [0xfc00..=0xfdff, ..] => AddressKind::Private,
        [0xfe80..=0xfeff, ..] => AddressKind::LinkLocal,
        [0xff00..=0xffff, ..] => AddressKind::Multicast,
        [0x2001, 0, ..] | [0x2002, ..] => AddressKind::Tunnel,
        [0x2001, 0xdb8, ..] | [0x2001, 2, 0, ..] | [0x3fff, 0..=0x0fff, ..] => AddressKind::Documentation,
        [0x2001, 0..=0x1ff, ..] => AddressKind::Reserved,
        [0x2000..=0x3fff, ..] => AddressKind::Public,
        _ => AddressKind::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(text: &str) -> AddressKind {
        kind(text.parse().expect("an address"))
    }

    #[test]
    fn only_global_unicast_is_public() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.255.255",
            "172.32.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "192.0.1.1",
        ] {
            assert_eq!(kind_of(public), AddressKind::Public, "{public}");
        }
        for public in
            ["198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450::1"]
        {
            assert_eq!(kind_of(public), AddressKind::Public, "{public}");
        }
    }

    #[test]
    fn the_first_and_last_address_of_every_special_range_is_told() {
        use AddressKind as K;
        for (kind, addresses) in [
            (K::Unspecified, &["0.0.0.0", "0.255.255.255", "::"][..]),
            (K::Private, &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0"]),
            (K::Private, &["192.168.255.255", "fc00::", "fdff:ffff::1"]),
            (K::Loopback, &["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"]),
            (K::Shared, &["100.64.0.0", "100.127.255.255"]),
            (
                K::LinkLocal,
                &["169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1", "febf::1", "fec0::1"],
            ),
            (K::Metadata, &["168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"]),
            (K::Multicast, &["224.0.0.0", "239.255.255.255", "255.255.255.255", "ff02::1"]),
            (K::Documentation, &["192.0.2.0", "192.0.2.255", "198.51.100.7", "203.0.113.7", "198.18.0.0"]),
            (K::Documentation, &["198.19.255.255", "2001:db8::1", "3fff::1", "3fff:fff::1", "2001:2::1"]),
            (
                K::Tunnel,
                &["2002:a00:1::", "2001::1", "::10.0.0.1", "::8.8.8.8", "::ffff:0:1.1.1.1", "64:ff9b:1::1"],
            ),
            (K::Reserved, &["192.0.0.0", "192.0.0.255", "192.88.99.1", "240.0.0.0", "255.255.255.254"]),
            (K::Reserved, &["100::1", "2001:10::1", "2001:1ff::1", "4000::1", "5f00::1", "::1:0:0:1"]),
        ] {
            for address in addresses {
                assert_eq!(kind_of(address), kind, "{address}");
            }
        }
    }

    #[test]
    fn an_address_inside_another_is_judged_by_the_inner_one() {
        assert_eq!(kind_of("::ffff:10.0.0.1"), AddressKind::Private);
        assert_eq!(kind_of("::ffff:169.254.169.254"), AddressKind::LinkLocal);
        assert_eq!(kind_of("::ffff:1.1.1.1"), AddressKind::Public);
        assert_eq!(kind_of("64:ff9b::127.0.0.1"), AddressKind::Loopback);
        assert_eq!(kind_of("64:ff9b::1.1.1.1"), AddressKind::Public);
    }

    #[test]
    fn link_local_and_metadata_addresses_are_never_merely_internal() {
        for address in
            ["169.254.169.254", "fe80::1", "168.63.129.16", "fd00:ec2::254", "0.0.0.0", "224.0.0.1"]
        {
            assert!(!kind_of(address).is_internal(), "{address}");
        }
        for address in ["127.0.0.1", "10.1.2.3", "fd12::1", "100.64.0.1", "::ffff:127.0.0.1"] {
            assert!(kind_of(address).is_internal(), "{address}");
        }
    }
}
