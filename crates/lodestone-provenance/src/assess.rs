//! What the findings say together. An ordering for a pile with its reasons, not a likelihood ratio.

use std::cmp::Reverse;

use lodestone_types::{
    Assessment, CameraChain, CheckState, Direction, Finding, Integrity, Proposition, Trust,
};

use crate::BASIS;
use crate::reading::{Camera, NoteState, Reading};

const PROPOSITIONS: [Proposition; 5] = [
    Proposition::CameraOriginal,
    Proposition::EditedCapture,
    Proposition::AiEdited,
    Proposition::AiGenerated,
    Proposition::OtherSynthetic,
];

pub(crate) fn assess(mut reading: Reading) -> (Vec<Finding>, Assessment) {
    let chain = chain(&reading);
    if reading.camera.is_full() && !reading.generators.is_empty() {
        reading.find(
            "assessment",
            "conflict.camera_and_generator",
            "the file carries a camera's trace and a generator's; one of them was copied or the picture was edited"
                .to_owned(),
            Vec::new(),
            Vec::new(),
        );
    }
    tell_chain(chain, &mut reading);
    let supported = supported(&reading.findings);
    let mut assessment = Assessment {
        basis: BASIS.to_owned(),
        camera_chain: chain,
        camera: reading.camera.name.clone(),
        generator: reading.generators.first().cloned(),
        input_picture_used: reading.input_picture_used,
        editor: reading.editor.clone(),
        digital_source_type: reading.digital_source_type.clone(),
        abstains: supported.is_empty(),
        supported,
        limits: limits(&reading),
        generator_source: reading
            .generator_source
            .or((!reading.generators.is_empty()).then_some("metadata"))
            .map(str::to_owned),
        workflow: reading.workflow.take(),
        credentials: reading.credentials.take(),
        watermarks: std::mem::take(&mut reading.watermarks),
        facts: std::mem::take(&mut reading.facts),
        scores: std::mem::take(&mut reading.scores),
        checks: std::mem::take(&mut reading.checks),
        ..Assessment::default()
    };
    assessment.facts.entry("camera_chain".to_owned()).or_insert_with(|| chain_name(chain).to_owned());
    let generator = match (&assessment.generator, assessment.input_picture_used) {
        (None, _) => "none",
        (Some(_), true) => "with_input",
        (Some(_), false) => "named",
    };
    assessment.facts.entry("generator".to_owned()).or_insert_with(|| generator.to_owned());
    assessment.statement = statement(&assessment, &reading);
    (reading.findings, assessment)
}

/// The chain as a whole, for a calibration to weigh: no single finding gave it. What it rests on bears; this does not.
fn tell_chain(chain: CameraChain, reading: &mut Reading) {
    let what = match chain {
        CameraChain::None => return,
        CameraChain::Contradicted => "a camera is claimed, and the file contradicts the claim",
        CameraChain::Weak => {
            "part of a camera's trace is there, or all of it without what metadata alone cannot give"
        }
        CameraChain::Strong => "a camera's trace is whole, and what metadata alone cannot give agrees",
    };
    let code = format!("camera_chain.{}", chain_name(chain));
    reading.find("assessment", &code, format!("taken together: {what}"), Vec::new(), Vec::new());
    reading.fact("camera_chain", chain_name(chain));
}

fn chain_name(chain: CameraChain) -> &'static str {
    match chain {
        CameraChain::None => "none",
        CameraChain::Contradicted => "contradicted",
        CameraChain::Weak => "weak",
        CameraChain::Strong => "strong",
    }
}

/// The rule, from what contradicts to what supports.
///
/// *Contradicted*: a camera is claimed, and the file's structure, its size, its thumbnail or its MakerNote belong to
/// another writer or another picture.
///
/// *Strong*: make, model, date and exposure, no editor, no generator, no game, and two witnesses that metadata alone
/// cannot give: the structure, and one of a MakerNote that fits, a thumbnail of the picture's shape, or surroundings
/// that only the first writer leaves whole. Where the structure says nothing, all three of a MakerNote that agrees with
/// this picture, a thumbnail of its shape and whole surroundings are asked for.
fn chain(reading: &Reading) -> CameraChain {
    let camera = &reading.camera;
    if !camera.is_partial() {
        return CameraChain::None;
    }
    if camera.structure_agrees == Some(false)
        || camera.size_disagrees
        || camera.maker_note_disagrees
        || camera.thumbnail_differs
    {
        return CameraChain::Contradicted;
    }
    let claimed = camera.make_and_model && camera.date && camera.exposure;
    let another = reading.editor.is_some() || !reading.generators.is_empty() || camera.game;
    if claimed && !another && witnessed(camera) { CameraChain::Strong } else { CameraChain::Weak }
}

/// Whether more than fields anyone can copy speak for a camera.
fn witnessed(camera: &Camera) -> bool {
    let shape = camera.thumbnail_fits == Some(true);
    match camera.structure_agrees {
        Some(true) => {
            camera.note >= NoteState::Opaque
                || (camera.complete && !camera.maker_note && (shape || camera.surroundings_intact))
        }
        Some(false) => false,
        None => camera.note == NoteState::Corroborated && shape && camera.surroundings_intact,
    }
}

/// Supported propositions: by their strongest support, less by one step for a contradiction of the same strength;
/// then by how many findings support them; then in their own order.
fn supported(findings: &[Finding]) -> Vec<Proposition> {
    let strongest = |proposition, direction| {
        findings
            .iter()
            .flat_map(|f| &f.bearings)
            .filter(|b| b.proposition == proposition && b.direction == direction)
            .map(|b| b.strength)
            .max()
    };
    let mut found: Vec<_> = PROPOSITIONS
        .into_iter()
        .filter_map(|proposition| {
            let support = strongest(proposition, Direction::Supports)?;
            let against = strongest(proposition, Direction::Against);
            let contradicted = against.is_some_and(|against| against >= support);
            let count = findings
                .iter()
                .flat_map(|f| &f.bearings)
                .filter(|b| b.proposition == proposition && b.direction == Direction::Supports)
                .count();
            Some((contradicted, Reverse(support), Reverse(count), proposition))
        })
        .collect();
    found.sort_by_key(|&(contradicted, support, count, proposition)| {
        (contradicted, support, count, proposition)
    });
    found.into_iter().map(|(.., proposition)| proposition).collect()
}

/// What is said to people, a sentence for each kind of evidence, in the order of how much it can bear.
fn statement(assessment: &Assessment, reading: &Reading) -> String {
    let sentences = [
        credentials_said(assessment, reading),
        watermarks_said(assessment),
        generator_said(assessment),
        source_type_said(assessment),
        camera_said(assessment),
        size_said(reading),
        thumbnail_said(reading),
        editor_said(assessment),
        nothing_said(assessment),
    ];
    let said = sentences.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if said.is_empty() { "Something bears on origin: see the findings.".to_owned() } else { said }
}

fn credentials_said(assessment: &Assessment, reading: &Reading) -> Option<String> {
    let Some(credentials) = &assessment.credentials else {
        return reading.c2pa_present.then(|| "A C2PA manifest is present, not validated.".to_owned());
    };
    if credentials.remote_only {
        return Some("The file names an address of Content Credentials; it was not asked.".to_owned());
    }
    if !credentials.parsed {
        return Some("Content Credentials are there and cannot be parsed.".to_owned());
    }
    let holds = |integrity: Integrity, of: &str| match integrity {
        Integrity::Ok => format!("{of} holds"),
        Integrity::Broken => format!("{of} does not hold"),
        Integrity::NotCheckable => format!("{of} could not be checked"),
    };
    let signer = match credentials.trust {
        Trust::Official => "the signer is on the official list",
        Trust::Interim => "the signer is on the interim list",
        Trust::Operator => "the signer is on the operator's list",
        Trust::None => "the signer is on no list in use",
        Trust::Revoked => "the signer's certificate was revoked",
    };
    let said = if credentials.source_types.is_empty() {
        String::new()
    } else {
        format!("; they state {}", credentials.source_types.join(", "))
    };
    Some(format!(
        "Content Credentials: {}, {}, {signer}{said}.",
        holds(credentials.hash, "the hash of the bytes"),
        holds(credentials.signature, "the signature"),
    ))
}

fn watermarks_said(assessment: &Assessment) -> Option<String> {
    let names: Vec<String> =
        assessment.watermarks.iter().map(|w| format!("{} in {}", w.message, w.scheme)).collect();
    (!names.is_empty()).then(|| {
        format!("The pixels carry the watermark {}, which supports generation by a model.", names.join(", "))
    })
}

fn generator_said(assessment: &Assessment) -> Option<String> {
    let generator = assessment.generator.as_deref()?;
    let input = if assessment.input_picture_used { " and an input picture that was changed" } else { "" };
    let place = match assessment.generator_source.as_deref() {
        Some("credentials") => "Content Credentials name",
        Some("source_type") => "The stated source type names",
        Some("watermark") => "A watermark names",
        Some("stealth") => "Text hidden in the pixels names",
        Some("sidecar") => "A text file beside it names",
        _ => "Metadata names",
    };
    Some(format!("{place} {generator}{input}; it does not prove what the pixels are."))
}

fn source_type_said(assessment: &Assessment) -> Option<String> {
    let name = assessment.digital_source_type.as_deref()?;
    Some(format!("The file states the source type {name}, unsigned."))
}

fn camera_said(assessment: &Assessment) -> Option<String> {
    let camera = assessment.camera.as_deref().unwrap_or("a camera");
    match assessment.camera_chain {
        CameraChain::Strong => Some(format!(
            "Metadata supports a capture by {camera}, and what metadata alone cannot give agrees; metadata can be copied."
        )),
        CameraChain::Contradicted => Some(format!(
            "Metadata of {camera} is there, but the file contradicts it: re-encoded, edited or copied."
        )),
        CameraChain::Weak => Some(format!("Part of a camera's trace is there ({camera}).")),
        CameraChain::None => None,
    }
}

fn size_said(reading: &Reading) -> Option<String> {
    let said = "The stated size is not the picture's: cropped, resized or copied.";
    reading.camera.size_disagrees.then(|| said.to_owned())
}

fn thumbnail_said(reading: &Reading) -> Option<String> {
    let said = "The embedded thumbnail shows another state of the picture.";
    reading.camera.thumbnail_differs.then(|| said.to_owned())
}

fn editor_said(assessment: &Assessment) -> Option<String> {
    let editor = assessment.editor.as_deref()?;
    Some(format!("{editor} is named as a program that wrote the file."))
}

fn nothing_said(assessment: &Assessment) -> Option<String> {
    assessment.abstains.then(|| {
        let applied = assessment.checks.iter().filter(|c| c.state == CheckState::Applied).count();
        let failed = assessment.checks.iter().filter(|c| c.state == CheckState::Failed).count();
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        format!(
            "No evidence of origin found by these checks, of which {applied} of {} could have applied{failed}; that is no evidence either way.",
            assessment.checks.len()
        )
    })
}

/// What this reading cannot tell.
fn limits(reading: &Reading) -> Vec<String> {
    let mut limits = vec![
        "Metadata is a claim: it can be written, copied or removed by anyone; its absence says nothing."
            .to_owned(),
    ];
    let applied = |name: &str| {
        reading.checks.iter().any(|c| c.examiner.starts_with(name) && c.state == CheckState::Applied)
    };
    let missing: Vec<&str> =
        [("watermark", "watermarks"), ("recompression", "recompression"), ("model", "models")]
            .iter()
            .filter(|(name, _)| !applied(name))
            .map(|(_, words)| *words)
            .collect();
    if !missing.is_empty() {
        limits.push(format!("Not assessed: {}.", missing.join(", ")));
    }
    limits.push("Strengths of single findings are an order for looking, not calibrated.".to_owned());
    if reading.c2pa_present && reading.credentials.is_none() {
        limits.push("Signed provenance (C2PA) is present and was not validated.".to_owned());
    }
    limits.push(
        "This result must not be the only ground for closing, discarding or not reporting a file.".to_owned(),
    );
    limits
}

#[cfg(test)]
mod tests {
    use lodestone_types::Strength;

    use super::*;
    use crate::reading::{against, supports};

    #[test]
    fn a_contradicted_proposition_comes_after_one_that_is_not() {
        let mut reading = Reading::default();
        let camera = supports(Proposition::CameraOriginal, Strength::Moderate);
        reading.find("a", "a", String::new(), vec![], vec![camera]);
        let edited = supports(Proposition::EditedCapture, Strength::Weak);
        let contra = against(Proposition::CameraOriginal, Strength::Moderate);
        reading.find("b", "b", String::new(), vec![], vec![edited, contra]);
        assert_eq!(supported(&reading.findings), [Proposition::EditedCapture, Proposition::CameraOriginal]);
    }

    #[test]
    fn without_findings_nothing_is_claimed() {
        let (findings, assessment) = assess(Reading::default());
        assert!(findings.is_empty() && assessment.abstains && assessment.supported.is_empty());
        assert!(assessment.statement.contains("no evidence either way"));
    }
}
