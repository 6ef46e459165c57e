//! A range of addresses, written as in `10.20.0.0/16`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses: an address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix_bits: u8,
}

/// The text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no network: {reason}; write it as 10.20.0.0/16 or fd12:3456::/32")]
pub struct BadNetwork {
    /// What was given, cut to 64 characters.
    pub text: String,
    /// Why.
    pub reason: &'static str,
}

impl Network {
    /// True when the address lies in the network. IPv4 written as IPv6 (`::ffff:a.b.c.d`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix_bits);
                (u64::from(base.to_bits()) >> shift) == (u64::from(address.to_bits()) >> shift)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix_bits);
                let high = |a: Ipv6Addr| a.to_bits().checked_shr(shift).unwrap_or(0);
                high(base) == high(address)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    /// Reads `address/bits`, or one address. Bits behind the prefix must be zero: a slip is told, not guessed.
    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let bad = |reason| BadNetwork { text: text.chars().take(64).collect(), reason };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let base: IpAddr = address.parse().map_err(|_| bad("the address cannot be read"))?;
        if base != base.to_canonical() {
            return Err(bad("an IPv4 network is written as IPv4"));
        }
        let most = if base.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            None => most,
            Some(bits) if bits.len() <= 3 && bits.bytes().all(|b| b.is_ascii_digit()) => {
                bits.parse().map_err(|_| bad("the number of bits cannot be read"))?
            }
            Some(_) => return Err(bad("the number of bits cannot be read")),
        };
        if prefix_bits > most {
            return Err(bad("more bits than the address has"));
        }
        let rest = match base {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) & ((1_u128 << (32 - prefix_bits)) - 1),
            IpAddr::V6(v6) => v6.to_bits() & u128::MAX.checked_shr(u32::from(prefix_bits)).unwrap_or(0),
        };
        if rest != 0 {
            return Err(bad("bits behind the prefix are set"));
        }
        Ok(Self { base, prefix_bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        text.parse().expect("a network")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_network_holds_its_first_and_last_address_and_not_their_neighbours() {
        for (net, first, last, before, after) in [
            ("10.20.0.0/16", "10.20.0.0", "10.20.255.255", "10.19.255.255", "10.21.0.0"),
            ("192.168.7.128/25", "192.168.7.128", "192.168.7.255", "192.168.7.127", "192.168.8.0"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.0", "127.0.0.2"),
            (
                "fd12:3456::/32",
                "fd12:3456::",
                "fd12:3456:ffff:ffff:ffff:ffff:ffff:ffff",
                "fd12:3455::",
                "fd12:3457::",
            ),
            ("::1", "::1", "::1", "::", "::2"),
        ] {
            let net = network(net);
            assert!(net.contains(address(first)) && net.contains(address(last)), "{net}");
            assert!(!net.contains(address(before)) && !net.contains(address(after)), "{net}");
        }
        assert!(network("0.0.0.0/0").contains(address("203.0.113.7")));
        assert!(network("::/0").contains(address("2001:db8::1")));
    }

    #[test]
    fn the_families_do_not_mix_but_mapped_addresses_count_as_ipv4() {
        assert!(network("10.0.0.0/8").contains(address("::ffff:10.1.2.3")));
        assert!(!network("::/0").contains(address("10.1.2.3")));
        assert!(!network("0.0.0.0/0").contains(address("2001:db8::1")));
    }

    #[test]
    fn slips_are_told() {
        for (text, reason) in [
            ("10.0.0.1/8", "bits behind the prefix are set"),
            ("fd00::1/8", "bits behind the prefix are set"),
            ("10.0.0.0/33", "more bits than the address has"),
            ("10.0.0.0/", "the number of bits cannot be read"),
            ("10.0.0.0/+8", "the number of bits cannot be read"),
            ("10.0.0/8", "the address cannot be read"),
            ("", "the address cannot be read"),
            ("::ffff:10.0.0.0/104", "an IPv4 network is written as IPv4"),
        ] {
            assert_eq!(text.parse::<Network>().map_err(|e| e.reason), Err(reason), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(base in any::<u128>(), v4: bool, bits in 0_u8..=128) {
            let text = if v4 {
                let bits = bits.min(32);
                let mask = u64::MAX << (32 - bits);
                let base = (base as u64 & mask) as u32;
                format!("{}/{bits}", std::net::Ipv4Addr::from_bits(base))
            } else {
                let base = base & !u128::MAX.checked_shr(bits.into()).unwrap_or(0);
                prop_assume!(Ipv6Addr::from_bits(base).to_ipv4_mapped().is_none());
                format!("{}/{bits}", Ipv6Addr::from_bits(base))
            };
            let net: Network = text.parse().expect("a network");
            prop_assert_eq!(net.to_string(), text);
            prop_assert!(net.contains(net.base));
        }

        #[test]
        fn no_text_is_too_odd_to_be_refused(text in "\\PC{0,40}") {
            let _ = text.parse::<Network>();
        }
    }
}
