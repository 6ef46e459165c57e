//! Findings from the facts and from what the manifests say. A signature tells who stated something and that it was not
//! changed since; it does not make the statement true. So a statement weighs by who made it and whether it still
//! describes these bytes.

use lodestone_types::{
    Bearing, CheckState, Credentials, Integrity, Location, Proposition, SignedTime, Strength, Trust,
};

use super::EXAMINER;
use super::facts::Facts;
use super::programs;
use super::said::{Role, Said, Statement};
use crate::reading::{Reading, against, supports};

/// Findings of one kind. 24: real files have a handful.
const MAX_FINDINGS: usize = 24;

/// There is a manifest store that nobody could parse.
pub(super) fn unreadable(why: &str, stands: Vec<Location>, reading: &mut Reading) {
    let what = format!(
        "Content Credentials are present and could not be parsed ({why}); nothing they say was checked"
    );
    reading.find(EXAMINER, "credentials.unparsed", what, stands, Vec::new());
    reading.fact("credentials", "unparsed");
    reading.fact("credentials_source", "none");
    reading.check(EXAMINER, CheckState::Failed, Some(why.to_owned()));
}

/// The credentials are elsewhere.
pub(super) fn remote_only(stands: Option<Location>, reading: &mut Reading) {
    let what = "the file names an address where its Content Credentials would be; it was not asked, and the file itself holds none";
    reading.find(
        EXAMINER,
        "credentials.remote_only",
        what.to_owned(),
        stands.into_iter().collect(),
        Vec::new(),
    );
    reading.fact("credentials", "remote_only");
    reading.fact("credentials_source", "none");
    let why = "the credentials are elsewhere; no address is ever asked".to_owned();
    reading.check(EXAMINER, CheckState::NotApplicable, Some(why));
}

/// Everything else.
pub(super) fn tell(facts: &mut Facts, said: &[Said], stands: &[Location], reading: &mut Reading) {
    let source = source(said);
    facts.credentials.source_types = sorted(said.iter().flat_map(|s| &s.statements).map(|s| &s.source_type));
    for action in said.iter().flat_map(|said| &said.actions) {
        if facts.credentials.actions.len() < 64 && !facts.credentials.actions.contains(action) {
            facts.credentials.actions.push(action.clone());
        }
    }
    integrity(&facts.credentials, stands, reading);
    signer(&facts.credentials, stands, reading);
    reading.fact("credentials", category(&facts.credentials));
    time(&facts.credentials, stands, reading);
    ingredients(facts, said, stands, reading);
    statements(facts, said, stands, reading);
    actions(facts, said, source, stands, reading);
    reading.facts.insert("credentials_source".to_owned(), source.to_owned());
    if let Some(finding) =
        reading.findings.iter_mut().rev().find(|f| {
            f.examiner == EXAMINER && (f.code.contains(".source_type.") || f.code.contains(".action."))
        })
    {
        finding.gives.push("credentials_source".to_owned());
    }
    generator(facts, said, stands, reading);
    match &facts.credentials.error {
        None => reading.check(EXAMINER, CheckState::Applied, None),
        Some(why) => reading.check(EXAMINER, CheckState::Failed, Some(why.clone())),
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = names.cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The category of the fact `credentials`.
fn category(credentials: &Credentials) -> &'static str {
    let broken = [credentials.hash, credentials.signature].contains(&Integrity::Broken);
    match credentials.trust {
        _ if broken => "broken",
        Trust::Revoked => "revoked",
        _ if credentials.signature != Integrity::Ok => "unparsed",
        _ if credentials.time == SignedTime::Expired => "expired",
        Trust::None => "unlisted",
        Trust::Official | Trust::Interim | Trust::Operator => "listed",
    }
}

/// The category of the fact `credentials_source`: what the statements together claim.
fn source(said: &[Said]) -> &'static str {
    let claimed = |wanted: Proposition, roles: &[Role]| {
        said.iter()
            .filter(|said| roles.contains(&said.role))
            .flat_map(Said::claims)
            .any(|(_, claims)| claims == Some(wanted))
    };
    let line = [Role::Active, Role::Parent];
    let below = [Role::Component, Role::Input, Role::Loose];
    let edited = said.iter().any(|said| line.contains(&said.role) && said.edits().next().is_some());
    let from_picture = said.iter().any(|said| line.contains(&said.role) && said.picture_as_input);
    if claimed(Proposition::AiGenerated, &line) {
        if from_picture { "ai_edited" } else { "ai" }
    } else if claimed(Proposition::AiEdited, &line) || claimed(Proposition::AiGenerated, &below) {
        "ai_edited"
    } else if claimed(Proposition::OtherSynthetic, &line) {
        "graphic"
    } else if edited || claimed(Proposition::EditedCapture, &line) {
        "edited"
    } else if claimed(Proposition::CameraOriginal, &line) {
        "capture"
    } else {
        "none"
    }
}

fn word(integrity: Integrity) -> &'static str {
    match integrity {
        Integrity::Ok => "ok",
        Integrity::Broken => "broken",
        Integrity::NotCheckable => "not_checkable",
    }
}

fn integrity(credentials: &Credentials, stands: &[Location], reading: &mut Reading) {
    let what = match credentials.hash {
        Integrity::Ok => "the bytes are those that the Content Credentials were made for",
        Integrity::Broken => {
            "the bytes are not those that the Content Credentials were made for: what was signed no longer describes this file"
        }
        Integrity::NotCheckable => "whether the bytes are those that were signed could not be checked",
    };
    let mut what = what.to_owned();
    if credentials.codes.iter().any(|code| code == "assertion.dataHash.additionalExclusionsPresent") {
        what.push_str("; parts of the file were left out of the hash");
    }
    let bearings = match credentials.hash {
        Integrity::Broken => vec![
            supports(Proposition::EditedCapture, Strength::Weak),
            against(Proposition::CameraOriginal, Strength::Moderate),
        ],
        _ => Vec::new(),
    };
    let code = format!("credentials.hash.{}", word(credentials.hash));
    reading.find(EXAMINER, &code, what, stands.to_vec(), bearings);
    let what = match credentials.signature {
        Integrity::Ok => "the signature over the Content Credentials is right",
        Integrity::Broken => {
            "the signature over the Content Credentials is wrong: the claim was changed after it was signed"
        }
        Integrity::NotCheckable => "the signature over the Content Credentials could not be checked",
    };
    let code = format!("credentials.signature.{}", word(credentials.signature));
    reading.find(EXAMINER, &code, what.to_owned(), stands.to_vec(), Vec::new());
}

fn signer(credentials: &Credentials, stands: &[Location], reading: &mut Reading) {
    let name = credentials.issuer.as_deref().or(credentials.common_name.as_deref()).unwrap_or("nobody named");
    let (code, list) = match credentials.trust {
        Trust::Official => ("official", "stands on the official C2PA trust list"),
        Trust::Interim => ("interim", "stands on the interim trust list, frozen since 1 January 2026"),
        Trust::Operator => ("operator", "stands on the operator's own list"),
        Trust::None => ("none", "stands on no trust list in use here; anyone can make such a certificate"),
        Trust::Revoked => ("revoked", "signed with a certificate that was revoked"),
    };
    let what = format!("the signer by its certificate ({name}) {list}");
    reading.find(EXAMINER, &format!("credentials.signer.{code}"), what, stands.to_vec(), Vec::new());
}

fn time(credentials: &Credentials, stands: &[Location], reading: &mut Reading) {
    let (code, what) = match credentials.time {
        SignedTime::Trusted => ("trusted", "a listed timestamp authority states when it was signed"),
        SignedTime::Claimed => ("claimed", "when it was signed is the signer's own word"),
        SignedTime::Expired => (
            "expired",
            "the signer's certificate has expired, and no listed timestamp authority states that it was signed before; that is no damage",
        ),
    };
    reading.find(EXAMINER, &format!("credentials.time.{code}"), what.to_owned(), stands.to_vec(), Vec::new());
}

fn ingredients(facts: &Facts, said: &[Said], stands: &[Location], reading: &mut Reading) {
    if !facts.ingredient_damage.is_empty() {
        let codes = facts.ingredient_damage.join(", ");
        let what = format!(
            "an ingredient's manifest is not what it was when it was taken in ({codes}); the file's own is told apart"
        );
        reading.find(EXAMINER, "credentials.ingredient.broken", what, stands.to_vec(), Vec::new());
    }
    let noted: Vec<_> = said
        .iter()
        .flat_map(|said| &said.noted)
        .filter(|code| code.ends_with("ismatch"))
        .map(String::as_str)
        .collect();
    if !noted.is_empty() {
        let what =
            format!("an ingredient was already noted as damaged when it was taken in ({})", noted.join(", "));
        reading.find(EXAMINER, "credentials.ingredient.noted_broken", what, stands.to_vec(), Vec::new());
    }
    let bare: usize = said.iter().map(|said| said.bare_ingredients).sum();
    if bare > 0 {
        let what =
            format!("{bare} of its ingredients had no Content Credentials: what they are is not stated");
        reading.find(EXAMINER, "credentials.ingredient.unknown", what, stands.to_vec(), Vec::new());
    }
}

/// How much a statement of a manifest weighs: by the state of the active manifest and the manifest's own signer.
fn strength(facts: &Facts, said: &Said, claims: Proposition) -> Strength {
    let credentials = &facts.credentials;
    if [credentials.hash, credentials.signature].contains(&Integrity::Broken) {
        return Strength::Weak;
    }
    let trust = if said.role == Role::Active {
        credentials.trust
    } else {
        facts.signers.get(&said.label).copied().unwrap_or_default()
    };
    let intact = credentials.hash == Integrity::Ok
        && credentials.signature == Integrity::Ok
        && (said.role == Role::Active || facts.ingredient_damage.is_empty());
    let expired = credentials.time == SignedTime::Expired;
    // Nobody gains by signing that a picture is generated; by signing that it is a capture, they may.
    if claims == Proposition::CameraOriginal {
        match trust {
            Trust::Official | Trust::Operator if intact && !expired => Strength::Strong,
            Trust::Official | Trust::Operator | Trust::Interim if intact => Strength::Moderate,
            _ => Strength::Weak,
        }
    } else {
        match trust {
            Trust::Official | Trust::Operator | Trust::Interim if intact => Strength::Strong,
            Trust::Revoked => Strength::Weak,
            _ => Strength::Moderate,
        }
    }
}

fn statements(facts: &Facts, said: &[Said], stands: &[Location], reading: &mut Reading) {
    let edited = said.iter().any(|said| said.role == Role::Active && said.edits().next().is_some());
    let mut told: Vec<(&str, Role, Option<Proposition>)> = Vec::new();
    for said in said {
        for (statement, claims) in said.claims() {
            let key = (statement.source_type.as_str(), said.role, claims);
            if told.contains(&key) || told.len() >= MAX_FINDINGS {
                continue;
            }
            told.push(key);
            let bearings = claims.map(|c| bearings(facts, said, c, edited)).unwrap_or_default();
            let what = sentence(said, statement, claims, edited);
            let locations = stands
                .iter()
                .map(|place| Location { raw: Some(statement.source_type.clone()), ..place.clone() });
            let code = format!("credentials.source_type.{}", statement.source_type);
            reading.find(EXAMINER, &code, what, locations.collect(), bearings);
        }
    }
}

fn sentence(said: &Said, statement: &Statement, claims: Option<Proposition>, edited: bool) -> String {
    let mut what = format!("{} states the source type {}", said.role.words(), statement.source_type);
    if let Some(action) = &statement.action {
        what.push_str(&format!(" with the action {action}"));
    }
    if said.role != Role::Active && edited && claims.is_some() {
        what.push_str("; this file was edited after that");
    }
    if said.picture_as_input && claims == Some(Proposition::AiGenerated) {
        what.push_str("; a picture was given to the program that made it");
    }
    what
}

fn bearings(facts: &Facts, said: &Said, claims: Proposition, edited: bool) -> Vec<Bearing> {
    use Proposition::{AiEdited, AiGenerated, CameraOriginal, EditedCapture};
    let strength = strength(facts, said, claims);
    let line = matches!(said.role, Role::Active | Role::Parent);
    match claims {
        // A capture that was placed or given in says nothing of the whole.
        CameraOriginal | EditedCapture if !line => Vec::new(),
        CameraOriginal if edited || said.edits().next().is_some() => vec![supports(EditedCapture, strength)],
        CameraOriginal => vec![supports(CameraOriginal, strength)],
        AiGenerated if said.picture_as_input && line => vec![
            supports(AiEdited, strength),
            supports(AiGenerated, Strength::Weak),
            against(CameraOriginal, strength),
        ],
        AiGenerated if !line => {
            vec![supports(AiEdited, strength.min(Strength::Moderate)), against(CameraOriginal, strength)]
        }
        claims => vec![supports(claims, strength), against(CameraOriginal, strength)],
    }
}

fn actions(facts: &Facts, said: &[Said], source: &str, stands: &[Location], reading: &mut Reading) {
    let line = |said: &&Said| matches!(said.role, Role::Active | Role::Parent);
    let edits: Vec<_> = said.iter().filter(line).flat_map(|s| s.edits().map(move |edit| (s, edit))).collect();
    for action in facts.credentials.actions.iter().take(MAX_FINDINGS) {
        let edit = edits.iter().find(|(_, edit)| edit == action);
        // An edit of a generated picture or of a drawing is no edit of a capture.
        let bearings = match edit {
            Some((said, _)) if matches!(source, "edited" | "capture" | "none") => {
                let strength = strength(facts, said, Proposition::EditedCapture);
                let listed = facts
                    .signers
                    .get(&said.label)
                    .is_some_and(|t| !matches!(t, Trust::None | Trust::Revoked));
                let strength = if listed { strength } else { Strength::Weak };
                vec![
                    supports(Proposition::EditedCapture, strength),
                    against(Proposition::CameraOriginal, strength),
                ]
            }
            _ => Vec::new(),
        };
        let plain: String =
            action.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')).collect();
        let what = format!("the Content Credentials name the action {action}");
        let name = plain.strip_prefix("c2pa.").unwrap_or(&plain);
        reading.find(EXAMINER, &format!("credentials.action.{name}"), what, stands.to_vec(), bearings);
    }
}

/// A known generator, where a source type says AI.
fn generator(facts: &Facts, said: &[Said], stands: &[Location], reading: &mut Reading) {
    let ai = |said: &&Said| {
        said.role != Role::Loose
            && said
                .claims()
                .any(|(_, claims)| matches!(claims, Some(Proposition::AiGenerated | Proposition::AiEdited)))
    };
    let speaking: Vec<&Said> = said.iter().filter(ai).collect();
    let signer = facts.credentials.issuer.as_deref().filter(|_| {
        speaking.iter().any(|said| said.role == Role::Active)
            || said.first().is_some_and(|s| s.programs.is_empty())
    });
    let programs = speaking.iter().flat_map(|said| &said.programs).map(String::as_str);
    if speaking.is_empty() {
        return;
    }
    let programs: Vec<&str> = programs.collect();
    let Some(rule) = programs::generator(&programs, signer) else {
        return;
    };
    let changed = source(said) == "ai_edited";
    let what =
        format!("the Content Credentials name {} as a program that made or changed the picture", rule.name);
    reading.find(EXAMINER, &format!("credentials.generator.{}", rule.id), what, stands.to_vec(), Vec::new());
    reading.generators.push(rule.name.clone());
    reading.generator_source.get_or_insert("credentials");
    reading.input_picture_used |= changed;
}
