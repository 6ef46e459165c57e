//! Content Credentials: our own drawn files, signed here with keys made for this.
//!
//! The keys in `credentials_keys/` are for these tests alone.

use std::io::Cursor;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;

use c2pa::crypto::raw_signature::{RawSigner, signer_from_cert_chain_and_private_key};
use c2pa::{Builder, Context, Signer, SigningAlg};
use coset::cbor::Value;
use coset::{CoseSign1Builder, HeaderBuilder, TaggedCborSerializable, iana};
use lodestone_provenance::{Item, Kit, KitSources, Wish};
use lodestone_types::{
    Assessment, CheckState, Credentials, Direction, Finding, Integrity, Proposition, SignedTime, Strength,
    Trust,
};

use crate::build;

const ROOT: &str = include_str!("credentials_keys/root.pem");
const SIGNER: (&str, &str) =
    (include_str!("credentials_keys/signer.pem"), include_str!("credentials_keys/signer.key"));
const EXPIRED: (&str, &str) =
    (include_str!("credentials_keys/expired.pem"), include_str!("credentials_keys/expired.key"));
const ROGUE: (&str, &str) =
    (include_str!("credentials_keys/rogue.pem"), include_str!("credentials_keys/rogue.key"));
const IPTC: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/";

/// Writes the signature structure itself: the library would not sign with an expired certificate.
struct TestSigner {
    raw: Box<dyn RawSigner + Send + Sync>,
}

impl TestSigner {
    fn new(key: (&str, &str), chain: &[&str]) -> Self {
        let chain = [&[key.0], chain].concat().join("\n");
        let raw = signer_from_cert_chain_and_private_key(
            chain.as_bytes(),
            key.1.as_bytes(),
            SigningAlg::Es256,
            None,
        );
        Self { raw: raw.expect("the keys are good") }
    }

    fn cose(&self, data: &[u8]) -> Vec<u8> {
        let chain = self.raw.cert_chain().expect("a chain").into_iter().map(Value::Bytes).collect();
        let protected = HeaderBuilder::new()
            .algorithm(iana::Algorithm::ES256)
            .value(iana::HeaderParameter::X5Chain as i64, Value::Array(chain))
            .build();
        let mut sign1 = CoseSign1Builder::new().protected(protected).payload(data.to_vec()).build();
        sign1.signature = self.raw.sign(&sign1.tbs_data(&[])).expect("signs");
        sign1.payload = None;
        sign1.to_tagged_vec().expect("encodes")
    }
}

impl Signer for TestSigner {
    fn sign(&self, data: &[u8]) -> c2pa::Result<Vec<u8>> {
        Ok(self.cose(data))
    }
    fn alg(&self) -> SigningAlg {
        SigningAlg::Es256
    }
    fn certs(&self) -> c2pa::Result<Vec<Vec<u8>>> {
        Ok(self.raw.cert_chain().expect("a chain"))
    }
    fn reserve_size(&self) -> usize {
        self.cose(b"").len()
    }
    fn direct_cose_handling(&self) -> bool {
        true
    }
}

fn signer() -> TestSigner {
    TestSigner::new(SIGNER, &[ROOT])
}

/// A drawn picture: noise where the pixels stand.
fn picture() -> Vec<u8> {
    let noise: Vec<u8> = (0..4_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    build::png(&[build::chunk(b"IDAT", &noise)])
}

fn definition(actions: &str, version: u8) -> String {
    let label = if version == 1 { "c2pa.actions" } else { "c2pa.actions.v2" };
    format!(
        r#"{{"claim_version": {version}, "title": "drawn", "claim_generator_info": [{{"name": "Drawing Test", "version": "1"}}],
            "assertions": [{{"label": "{label}", "data": {{"actions": [{actions}]}}}}]}}"#
    )
}

fn created(source_type: &str) -> String {
    format!(r#"{{"action": "c2pa.created", "digitalSourceType": "{IPTC}{source_type}"}}"#)
}

fn builder(definition: &str) -> Builder {
    let settings = r#"{"verify": {"verify_after_reading": false, "remote_manifest_fetch": false},
        "builder": {"thumbnail": {"enabled": false}, "actions": {"auto_placed_action": {"enabled": false}}}}"#;
    let context = Context::new().with_settings(settings).expect("settings");
    Builder::from_context(context).with_definition(definition).expect("a definition")
}

fn sign_with(mut builder: Builder, mime: &str, file: &[u8], signer: &TestSigner) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    builder.sign(signer, mime, &mut Cursor::new(file), &mut out).expect("signs");
    out.into_inner()
}

fn signed(actions: &str, version: u8) -> Vec<u8> {
    sign_with(builder(&definition(actions, version)), "image/png", &picture(), &signer())
}

struct Seen {
    findings: Vec<Finding>,
    assessment: Assessment,
}

impl Seen {
    fn credentials(&self) -> &Credentials {
        self.assessment.credentials.as_ref().expect("credentials")
    }
    fn fact(&self, name: &str) -> &str {
        self.assessment.facts.get(name).map_or("", String::as_str)
    }
    fn has(&self, code: &str) -> bool {
        self.findings.iter().any(|finding| finding.code == code)
    }
    fn strongest(&self, proposition: Proposition) -> Option<Strength> {
        let bearings = self.findings.iter().flat_map(|finding| &finding.bearings);
        bearings
            .filter(|b| b.proposition == proposition && b.direction == Direction::Supports)
            .map(|b| b.strength)
            .max()
    }
}

fn see(file: &[u8], kit: &Kit) -> Seen {
    let segments = lodestone_media::segments::scan(file);
    let item = Item { bytes: file, segments: &segments, width: 8, height: 8, pixels: None, sidecar: None };
    let wish = Wish { credentials: true, ..Wish::default() };
    let examined = lodestone_provenance::examine(&item, kit, &wish);
    Seen { findings: examined.findings, assessment: examined.assessment }
}

fn seen(file: &[u8]) -> Seen {
    see(file, &Kit::built_in())
}

/// A kit with these files as the operator's folder of lists.
fn kit_with(name: &str, files: &[(&str, &str)]) -> Kit {
    let folder = std::env::temp_dir().join(format!("lodestone-lists-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (file, text) in files {
        std::fs::write(folder.join(file), text).expect("a file");
    }
    let kit = Kit::load(&KitSources { trust_lists: Some(folder.clone()), ..KitSources::default() });
    std::fs::remove_dir_all::<PathBuf>(folder).expect("removes its folder");
    kit.expect("loads")
}

fn find(file: &[u8], wanted: &[u8]) -> usize {
    file.windows(wanted.len()).position(|window| window == wanted).expect("it is there")
}

#[test]
fn a_signed_capture_holds_and_its_signer_is_on_no_list() {
    for version in [1, 2] {
        let seen = seen(&signed(&created("digitalCapture"), version));
        let credentials = seen.credentials();
        assert!(credentials.parsed && credentials.error.is_none(), "{credentials:?}");
        assert_eq!(
            (credentials.hash, credentials.signature),
            (Integrity::Ok, Integrity::Ok),
            "{credentials:?}"
        );
        assert_eq!((credentials.trust, credentials.time), (Trust::None, SignedTime::Claimed));
        assert_eq!(credentials.source_types, ["digitalCapture"]);
        assert_eq!(
            (credentials.manifests, credentials.actions.as_slice()),
            (1, &["c2pa.created".to_owned()][..])
        );
        assert_eq!(credentials.issuer.as_deref(), Some("Lodestone Test"));
        assert_eq!(credentials.algorithm.as_deref(), Some("Es256"));
        assert_eq!((seen.fact("credentials"), seen.fact("credentials_source")), ("unlisted", "capture"));
        // Anyone can sign.
        assert_eq!(seen.strongest(Proposition::CameraOriginal), Some(Strength::Weak));
        let signer = seen.findings.iter().find(|f| f.code == "credentials.signer.none").expect("told");
        assert!(signer.locations[0].offset.is_some() && signer.gives == ["credentials"]);
        assert!(!seen.has("c2pa.present"));
    }
}

#[test]
fn a_changed_pixel_breaks_the_hash_and_nothing_else() {
    let mut file = signed(&created("trainedAlgorithmicMedia"), 2);
    let at = find(&file, b"IDAT") + 1_000;
    file[at] ^= 1;
    let seen = seen(&file);
    let credentials = seen.credentials();
    assert_eq!((credentials.hash, credentials.signature), (Integrity::Broken, Integrity::Ok));
    assert!(credentials.codes.contains(&"assertion.dataHash.mismatch".to_owned()));
    assert_eq!(seen.fact("credentials"), "broken");
    assert_eq!(seen.strongest(Proposition::AiGenerated), Some(Strength::Weak));
    assert_eq!(seen.strongest(Proposition::EditedCapture), Some(Strength::Weak));
}

#[test]
fn a_changed_claim_breaks_the_signature() {
    let mut file = signed(&created("digitalCapture"), 2);
    let at = find(&file, b"Drawing Test");
    file[at] ^= 1;
    let seen = seen(&file);
    assert_eq!(seen.credentials().signature, Integrity::Broken, "{:?}", seen.credentials());
    assert!(seen.has("credentials.signature.broken"));
}

#[test]
fn a_changed_assertion_breaks_the_hash() {
    let mut file = signed(&created("digitalCapture"), 2);
    let at = find(&file, b"digitalsourcetype/digitalCapture") + 20;
    file[at] ^= 1;
    let seen = seen(&file);
    assert_eq!((seen.credentials().hash, seen.credentials().signature), (Integrity::Broken, Integrity::Ok));
}

#[test]
fn an_expired_certificate_is_no_damage() {
    let expired = TestSigner::new(EXPIRED, &[ROOT]);
    let file =
        sign_with(builder(&definition(&created("digitalCapture"), 2)), "image/png", &picture(), &expired);
    let seen = see(&file, &kit_with("expired", &[("operator.pem", ROOT)]));
    let credentials = seen.credentials();
    assert_eq!((credentials.hash, credentials.signature), (Integrity::Ok, Integrity::Ok), "{credentials:?}");
    assert_eq!((credentials.time, credentials.trust), (SignedTime::Expired, Trust::Operator));
    assert_eq!(seen.fact("credentials"), "expired");
    assert_eq!(seen.strongest(Proposition::CameraOriginal), Some(Strength::Moderate));
}

#[test]
fn an_operators_list_makes_a_capture_strong_and_names_itself() {
    let kit = kit_with("operator", &[("ours.pem", ROOT)]);
    assert!(kit.describe().iter().any(|line| line.contains("ours.pem")), "{:?}", kit.describe());
    let seen = see(&signed(&created("digitalCapture"), 2), &kit);
    assert_eq!(seen.credentials().trust, Trust::Operator);
    assert_eq!(seen.fact("credentials"), "listed");
    assert_eq!(seen.strongest(Proposition::CameraOriginal), Some(Strength::Strong));
    let lists = &seen.credentials().trust_lists;
    assert!(lists.iter().any(|l| l.list == Trust::Operator && l.name == "ours.pem" && l.sha256.len() == 64));
    assert!(lists.iter().any(|l| l.list == Trust::Official && l.date.is_some()));
}

#[test]
fn an_operator_may_name_a_signer_or_refuse_one() {
    let file = signed(&created("digitalCapture"), 2);
    let named = see(&file, &kit_with("named", &[("camera.pem", SIGNER.0)]));
    assert_eq!(named.credentials().trust, Trust::Operator);
    let refused = see(&file, &kit_with("refused", &[("camera.pem", ROOT), ("revoked.pem", SIGNER.0)]));
    assert_eq!(refused.credentials().trust, Trust::Revoked);
    assert_eq!(refused.fact("credentials"), "revoked");
    assert_eq!(refused.strongest(Proposition::CameraOriginal), Some(Strength::Weak));
}

#[test]
fn a_list_for_timestamps_vouches_for_no_signer() {
    let seen = see(&signed(&created("digitalCapture"), 2), &kit_with("tsa", &[("our-tsa.pem", ROOT)]));
    assert_eq!(seen.credentials().trust, Trust::None);
}

#[test]
fn a_listed_signer_cannot_vouch_for_another() {
    let rogue = TestSigner::new(ROGUE, &[SIGNER.0, ROOT]);
    let file =
        sign_with(builder(&definition(&created("digitalCapture"), 2)), "image/png", &picture(), &rogue);
    let seen = see(&file, &kit_with("rogue", &[("ours.pem", ROOT)]));
    assert_eq!(seen.credentials().signature, Integrity::Ok);
    assert_eq!(seen.credentials().trust, Trust::None);
}

#[test]
fn what_an_ingredient_says_is_found_under_an_active_manifest_that_only_opened_it() {
    for version in [1, 2] {
        let generated = signed(&created("trainedAlgorithmicMedia"), version);
        let mut outer = builder(&definition(r#"{"action": "c2pa.cropped"}"#, version));
        outer.set_intent(c2pa::BuilderIntent::Edit);
        outer
            .add_ingredient_from_stream(
                r#"{"title": "before", "relationship": "parentOf", "label": "parent"}"#,
                "image/png",
                &mut Cursor::new(&generated),
            )
            .expect("an ingredient");
        let file = sign_with(outer, "image/png", &picture(), &signer());
        let seen = seen(&file);
        let credentials = seen.credentials();
        assert_eq!((credentials.manifests, credentials.hash), (2, Integrity::Ok), "{credentials:?}");
        assert_eq!(credentials.source_types, ["trainedAlgorithmicMedia"]);
        assert!(credentials.actions.contains(&"c2pa.opened".to_owned()), "{credentials:?}");
        assert_eq!(seen.fact("credentials_source"), "ai");
        assert_eq!(seen.strongest(Proposition::AiGenerated), Some(Strength::Moderate));
        let finding =
            seen.findings.iter().find(|f| f.code == "credentials.source_type.trainedAlgorithmicMedia");
        assert!(finding.expect("told").what.contains("edited after"), "{:?}", seen.findings);
    }
}

#[test]
fn a_known_generator_is_named_only_where_the_source_type_says_ai() {
    let named = |source_type: &str| {
        let definition = definition(&created(source_type), 2).replace("Drawing Test", "ChatGPT");
        let seen = seen(&sign_with(builder(&definition), "image/png", &picture(), &signer()));
        (seen.assessment.generator.clone(), seen.assessment.generator_source.clone())
    };
    let (name, source) = named("trainedAlgorithmicMedia");
    assert_eq!((name.as_deref(), source.as_deref()), (Some("OpenAI"), Some("credentials")));
    assert_eq!(named("digitalCapture"), (None, None));
}

#[test]
fn edits_by_ai_and_drawings_are_told_apart() {
    let of = |actions: &str| {
        let seen = seen(&signed(actions, 2));
        (seen.fact("credentials_source").to_owned(), seen.assessment.supported.first().copied())
    };
    let composite = created("compositeWithTrainedAlgorithmicMedia");
    assert_eq!(of(&composite), ("ai_edited".to_owned(), Some(Proposition::AiEdited)));
    assert_eq!(of(&created("screenCapture")), ("graphic".to_owned(), Some(Proposition::OtherSynthetic)));
    let filled = format!(
        r#"{}, {{"action": "c2pa.edited", "digitalSourceType": "{IPTC}trainedAlgorithmicMedia"}}"#,
        created("digitalCapture")
    );
    assert_eq!(of(&filled).0, "ai_edited");
    let cropped = format!(r#"{}, {{"action": "c2pa.cropped"}}"#, created("digitalCapture"));
    assert_eq!(of(&cropped), ("edited".to_owned(), Some(Proposition::EditedCapture)));
}

#[test]
fn jpeg_and_webp_are_read_as_well() {
    let jpeg = build::jpeg(&[build::jfif()], true);
    let webp = build::webp(&[(b"VP8L", &[0x2f, 7, 0xc0, 1, 0, 7, 0x10, 0x11, 0x11, 0x88])]);
    for (mime, file) in [("image/jpeg", jpeg), ("image/webp", webp)] {
        let seen = seen(&sign_with(builder(&definition(&created("digitalArt"), 2)), mime, &file, &signer()));
        let credentials = seen.credentials();
        assert_eq!((credentials.hash, credentials.signature), (Integrity::Ok, Integrity::Ok), "{mime}");
    }
}

#[test]
fn an_address_in_the_file_is_never_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    listener.set_nonblocking(true).expect("does not wait");
    let asked = || listener.accept().is_ok();
    // The stub does notice a caller.
    drop(TcpStream::connect(address).expect("connects"));
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(asked(), "the stub would see a request");

    let url = format!("http://{address}/manifest.c2pa");
    let attribute = format!(r#"xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{url}""#);
    let xmp = build::xmp(&attribute, "");
    let jpeg = build::jpeg(&[build::jfif(), build::app1_xmp(&xmp)], true);
    let remote = seen(&jpeg);
    let credentials = remote.credentials();
    assert!(credentials.remote_only && !credentials.parsed && credentials.error.is_none(), "{credentials:?}");
    assert_eq!(remote.fact("credentials"), "remote_only");
    let finding = remote.findings.iter().find(|f| f.code == "credentials.remote_only").expect("told");
    assert!(finding.locations[0].offset.is_some());
    let told = serde_json::to_string(&(&remote.findings, &remote.assessment)).expect("encodes");
    assert!(!told.contains("127.0.0.1"), "the address is not shown");

    // An embedded manifest that names an address as well.
    let mut both = builder(&definition(&created("digitalCapture"), 2));
    both.set_remote_url(url);
    let file = sign_with(both, "image/jpeg", &build::jpeg(&[build::jfif()], true), &signer());
    let both = seen(&file);
    assert_eq!((both.credentials().hash, both.credentials().remote_only), (Integrity::Ok, false));
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(!asked(), "nobody was asked");
}

#[test]
fn files_without_credentials_say_so_and_nothing_more() {
    let plain = seen(&picture());
    assert!(plain.assessment.credentials.is_none());
    assert_eq!((plain.fact("credentials"), plain.fact("credentials_source")), ("none", "none"));
    let check = plain.assessment.checks.iter().find(|check| check.examiner == "credentials").expect("noted");
    assert_eq!(check.state, CheckState::NotApplicable);
    // The word alone is no manifest.
    let mentioned = seen(&build::png_text(&[("Comment", "about c2pa")]));
    assert!(mentioned.assessment.credentials.is_none());
}

#[test]
fn files_cut_anywhere_give_an_answer() {
    let file = signed(&created("trainedAlgorithmicMedia"), 2);
    let kit = Kit::built_in();
    let mut unparsed = 0;
    for length in (0..file.len()).step_by(97) {
        let seen = see(&file[..length], &kit);
        unparsed += u32::from(seen.has("credentials.unparsed"));
        if let Some(credentials) = &seen.assessment.credentials {
            assert!(
                credentials.hash != Integrity::Ok || credentials.signature != Integrity::Ok,
                "cut at {length}"
            );
        }
    }
    assert!(unparsed > 0);
}

#[test]
fn changed_files_give_the_same_answer_twice() {
    let file = signed(&created("trainedAlgorithmicMedia"), 2);
    let kit = Kit::built_in();
    let at = find(&file, b"jumb");
    let mut seed = 1u32;
    for _ in 0..150 {
        let mut bytes = file.clone();
        for _ in 0..3 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = at + (seed >> 8) as usize % (bytes.len() - at);
            bytes[place] = bytes[place].wrapping_add((seed & 0x7f) as u8 | 1);
        }
        let (first, second) = (see(&bytes, &kit), see(&bytes, &kit));
        assert_eq!(first.findings, second.findings);
        assert_eq!(first.assessment, second.assessment);
    }
}

#[test]
fn a_folder_that_holds_no_certificates_is_refused_by_name() {
    let folder = std::env::temp_dir().join(format!("lodestone-lists-{}-bad", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("ours.pem"), "not a certificate").expect("a file");
    let kit = Kit::load(&KitSources { trust_lists: Some(folder.clone()), ..KitSources::default() });
    let message = kit.err().map(|e| e.to_string()).unwrap_or_default();
    std::fs::remove_dir_all(folder).expect("removes its folder");
    assert!(message.contains("ours.pem"), "{message}");
}
