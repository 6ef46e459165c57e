use std::collections::HashMap;
use std::io;

use proptest::prelude::*;

use super::*;

/// A name service of a few names.
#[derive(Debug)]
struct Names(HashMap<&'static str, Vec<&'static str>>);

impl Lookup for Names {
    fn lookup(&self, name: &str, _: Duration) -> io::Result<Vec<IpAddr>> {
        let found = self.0.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(found.iter().map(|text| text.parse().expect("an address")).collect())
    }
}

fn policy() -> Outbound {
    let names = Names(HashMap::from([
        ("public.test", vec!["1.1.1.1", "2606:4700::1"]),
        ("private.test", vec!["10.1.2.3"]),
        ("mixed.test", vec!["1.1.1.1", "2606:4700::1", "169.254.169.254"]),
        ("mapped.test", vec!["::ffff:127.0.0.1"]),
        ("none.test", vec![]),
        ("xn--bcher-kva.test", vec!["1.1.1.1"]),
    ]));
    Outbound { lookup: Arc::new(names), ..Outbound::default() }
}

fn admit(policy: &Outbound, url: &str) -> Result<Target, NetError> {
    policy.admit(url, Deadline::after(Duration::from_secs(5)))
}

fn why(policy: &Outbound, url: &str) -> Why {
    match admit(policy, url) {
        Err(NetError::Refused { why }) => why,
        other => panic!("{url}: {other:?}"),
    }
}

#[test]
fn a_public_name_is_pinned_to_the_addresses_that_were_checked() {
    let target = admit(&policy(), "https://PUBLIC.test/a?b#c").expect("admitted");
    assert_eq!(target.url.as_str(), "https://public.test/a?b");
    let expected: Vec<SocketAddr> =
        vec!["1.1.1.1:443".parse().expect("address"), "[2606:4700::1]:443".parse().expect("address")];
    assert_eq!(target.addresses, expected);
}

#[test]
fn one_address_that_is_not_public_is_enough_to_refuse() {
    let policy = policy();
    assert_eq!(why(&policy, "http://private.test/"), Why::Address(AddressKind::Private));
    assert_eq!(why(&policy, "http://mixed.test/"), Why::Address(AddressKind::LinkLocal));
    assert_eq!(why(&policy, "http://mapped.test/"), Why::Address(AddressKind::Loopback));
}

#[test]
fn odd_spellings_of_loopback_are_all_refused() {
    let policy = policy();
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://0x7f.1/",
        "http://127.0.0.1./",
        "http://１２７.０.０.１/",
        "http://127。0。0。1/",
        "http://%31%32%37.0.0.1/",
        "http:\\\\127.0.0.1\\",
        "http:127.0.0.1",
        " \thttp://127.0.\n0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[64:ff9b::7f00:1]/",
    ] {
        assert_eq!(why(&policy, url), Why::Address(AddressKind::Loopback), "{url}");
        assert!(policy.check_form(url).is_err(), "{url}");
    }
    for (url, kind) in [
        ("http://0/", AddressKind::Unspecified),
        ("http://[::]/", AddressKind::Unspecified),
        ("http://2852039166/latest/meta-data/", AddressKind::LinkLocal),
        ("http://[fd00:ec2::254]/", AddressKind::Metadata),
        ("http://[::127.0.0.1]/", AddressKind::Tunnel),
        ("http://[2002:7f00:1::]/", AddressKind::Tunnel),
        ("http://0xffffffff/", AddressKind::Multicast),
    ] {
        assert_eq!(why(&policy, url), Why::Address(kind), "{url}");
    }
}

#[test]
fn what_is_no_plain_web_address_is_refused() {
    let policy = policy();
    for (url, expected) in [
        ("ftp://public.test/", Why::Scheme),
        ("file:///etc/passwd", Why::Scheme),
        ("gopher://127.0.0.1:25/", Why::Scheme),
        ("data:text/plain,x", Why::Scheme),
        ("http://user@public.test/", Why::UserInfo),
        ("http://:pass@public.test/", Why::UserInfo),
        ("http://public.test@private.test/", Why::UserInfo),
        ("http://", Why::NotAUrl),
        ("", Why::NotAUrl),
        ("/a/b", Why::NotAUrl),
        ("http://[::1", Why::NotAUrl),
        ("http://[fe80::1%25eth0]/", Why::NotAUrl),
        ("http://256.1.1.1/", Why::NotAUrl),
        ("http://public.test:99999/", Why::NotAUrl),
        ("http://public.test:22/", Why::Port(22)),
        ("http://public.test:0/", Why::Port(0)),
        ("https://1.1.1.1:8443/", Why::Port(8443)),
    ] {
        assert_eq!(why(&policy, url), expected, "{url}");
    }
    assert_eq!(why(&policy, &format!("http://public.test/{}", "a".repeat(9000))), Why::NotAUrl);
}

#[test]
fn exceptions_open_what_they_name_and_no_more() {
    let open = Outbound { allow_private: true, ..policy() };
    assert!(admit(&open, "http://private.test:9000/").is_ok());
    assert!(admit(&open, "http://[::1]:1/").is_ok());
    assert_eq!(why(&open, "http://mixed.test/"), Why::Address(AddressKind::LinkLocal));
    assert_eq!(why(&open, "http://169.254.169.254/"), Why::Address(AddressKind::LinkLocal));
    assert_eq!(why(&open, "http://public.test:9000/"), Why::Port(9000));

    let network = "10.1.0.0/16".parse().expect("network");
    let one = Outbound { allowed_networks: vec![network], ..policy() };
    assert!(admit(&one, "http://private.test:9000/").is_ok());
    assert_eq!(why(&one, "http://10.2.0.1/"), Why::Address(AddressKind::Private));
    let metadata = "169.254.169.254".parse().expect("network");
    let named = Outbound { allowed_networks: vec![metadata], ..policy() };
    assert!(admit(&named, "http://169.254.169.254/").is_ok());
    assert!(admit(&named, "http://mixed.test/").is_ok());
    assert_eq!(why(&named, "http://mixed.test:9000/"), Why::Port(9000));

    let host = Outbound { private_hosts: vec!["Private.TEST.".to_owned()], ..policy() };
    assert!(admit(&host, "http://private.test:9000/").is_ok());
    assert_eq!(why(&host, "http://mapped.test/"), Why::Address(AddressKind::Loopback));
}

#[test]
fn a_list_of_hosts_shuts_out_all_others() {
    let names = ["public.test", "Bücher.test", "::1", "10.1.2.3"].map(str::to_owned).to_vec();
    let listed = Outbound { allowed_hosts: names, allow_private: true, ..policy() };
    for url in ["http://public.test./x", "http://b\u{fc}cher.test/", "http://[::1]/", "http://0x0a010203/"] {
        assert!(listed.check_form(url).is_ok(), "{url}");
    }
    assert!(admit(&listed, "http://xn--bcher-kva.test/").is_ok());
    for url in
        ["http://private.test/", "http://a.public.test/", "http://public.test.evil/", "http://127.0.0.1/"]
    {
        assert_eq!(why(&listed, url), Why::Host, "{url}");
    }
    let https = Outbound { https_only: true, ..policy() };
    assert_eq!(why(&https, "http://public.test/"), Why::Scheme);
    assert!(admit(&https, "https://public.test/").is_ok());
}

#[test]
fn a_name_without_an_address_is_not_a_refusal() {
    for url in ["http://none.test/", "http://unknown.test/?key=hunter2"] {
        let error = admit(&policy(), url).expect_err("no address");
        assert!(matches!(error, NetError::Dns { .. }) && error.is_transient(), "{error:?}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn certificates_are_read_from_pem() {
    let pem = b"junk\n-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert_eq!(Root::from_pem(pem).map(|roots| roots.len()), Ok(1));
    assert!(Root::from_pem(b"").is_err());
    assert!(Root::from_pem(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").is_err());
}

proptest! {
    #[test]
    fn no_url_passes_that_leads_to_an_address_which_is_not_public(url in "(http://)?[0-9a-fxA-F.:\\[\\]%@/?#\\\\。１２７]{0,30}") {
        if let Ok(target) = admit(&policy(), &url) {
            for address in target.addresses {
                prop_assert_eq!(kind(address.ip()), AddressKind::Public);
            }
        }
    }

    #[test]
    fn any_number_is_judged_as_the_address_it_is(bits: u32) {
        let expected = kind(std::net::Ipv4Addr::from_bits(bits).into());
        for url in [format!("http://{bits}/"), format!("http://{bits:#x}/"), format!("http://0{bits:o}/")] {
            match admit(&policy(), &url) {
                Ok(_) => prop_assert_eq!(expected, AddressKind::Public),
                Err(error) => prop_assert_eq!(error, NetError::refused(Why::Address(expected))),
            }
        }
    }

    #[test]
    fn no_text_makes_the_gate_panic(url in "\\PC{0,60}") {
        let _ = admit(&policy(), &url);
        let _ = policy().check_form(&url);
    }
}
