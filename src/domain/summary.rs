//! The sentence that a summary is generated as, from codes alone: nobody types it, so no name ends up in it.

use super::{Act, Activity, Code, Counts, IncidentFacts, Means, Perpetrator, Precision};

/// The summary of an incident, in English: "On 22 February 2019, MINUSMA reported a killing in Mali: three
/// killed. Means: small arms. Alleged perpetrator: non-State armed group."
pub fn summary(facts: &IncidentFacts, host_state: Option<&str>, counts: Counts) -> String {
    let when = match facts.occurred.precision() {
        Precision::Day => format!("On {}", facts.occurred.in_words()),
        Precision::Month | Precision::Year => format!("In {}", facts.occurred.in_words()),
    };
    let mut text = format!("{when}, {} reported {}", facts.mission, act(facts.act));
    if let Some(name) = host_state {
        text.push_str(" in ");
        text.push_str(name);
    }
    let harmed: Vec<String> = [
        (counts.killed, "killed"),
        (counts.injured, "injured"),
        (counts.abducted, "abducted or missing"),
        (counts.detained, "detained"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{} {what}", in_words(number)))
    .collect();
    if !harmed.is_empty() {
        text.push_str(": ");
        text.push_str(&harmed.join(", "));
    }
    text.push('.');
    if !matches!(facts.activity, Activity::NotKnown | Activity::Other) {
        text.push_str(&format!(" Activity: {}.", lower(facts.activity.label())));
    }
    if !matches!(facts.means, Means::NotKnown | Means::NotApplicable | Means::Other) {
        text.push_str(&format!(" Means: {}.", lower(facts.means.label())));
    }
    match facts.perpetrator {
        Perpetrator::NotIdentified | Perpetrator::Other => text.push_str(" The alleged perpetrator is not identified."),
        known => text.push_str(&format!(" Alleged perpetrator: {}.", lower(known.label()))),
    }
    text
}

fn act(act: Act) -> &'static str {
    match act {
        Act::Killing => "a killing",
        Act::AttemptedKilling => "an attempted killing",
        Act::Wounding => "a wounding",
        Act::Assault => "an assault",
        Act::TortureIllTreatment => "an act of torture or ill-treatment",
        Act::SexualViolence => "an act of sexual violence",
        Act::AbductionHostageTaking => "an abduction or hostage-taking",
        Act::UnlawfulDetention => "an unlawful detention",
        Act::EnforcedDisappearance => "an enforced disappearance",
        Act::ThreatIntimidation => "a threat or intimidation",
        Act::AttackOnPremises => "an attack on premises",
        Act::AttackOnConvoyTransport => "an attack on a convoy or transport",
        Act::ArmedRobberyHijacking => "an armed robbery or hijacking",
        Act::LootingDestructionProperty => "looting or destruction of property",
        Act::ObstructionOfMovement => "an obstruction of movement",
        Act::Incitement => "an incitement",
        Act::AttemptOther => "an attempt at another act",
        Act::ParticipationOrdering => "participation in, or the organizing or ordering of, an act",
        Act::Other | Act::NotKnown => "a malicious act",
    }
}

/// Numbers under ten in words, others in figures (United Nations Editorial Manual).
fn in_words(number: i32) -> String {
    const WORDS: [&str; 10] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    usize::try_from(number)
        .ok()
        .and_then(|at| WORDS.get(at))
        .map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// A label within a sentence: only its first letter falls, so that "United Nations" and "non-State" keep theirs.
fn lower(label: &str) -> String {
    let mut chars = label.chars();
    match chars.next() {
        Some(first) if !label.starts_with("United") => first.to_lowercase().chain(chars).collect(),
        _ => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PartialDate;
    use chrono::NaiveDate;

    #[test]
    fn a_summary_says_what_the_codes_say() {
        let mut facts = IncidentFacts {
            mission: "MINUSMA".into(),
            host_state: Some("MLI".into()),
            occurred: PartialDate::new(NaiveDate::from_ymd_opt(2019, 2, 22).unwrap(), Precision::Day),
            region: None,
            act: Act::Killing,
            means: Means::SmallArms,
            activity: Activity::TravelOfficial,
            perpetrator: Perpetrator::NonStateArmedGroup,
            others_killed: 0,
            others_injured: 0,
            noticas_id: None,
            sage_id: None,
            hold: None,
        };
        let counts = Counts { victims: 5, killed: 3, injured: 12, abducted: 0, detained: 0 };
        insta::assert_snapshot!(summary(&facts, Some("Mali"), counts), @"On 22 February 2019, MINUSMA reported a killing in Mali: three killed, 12 injured. Activity: official travel. Means: small arms. Alleged perpetrator: non-State armed group.");
        facts.occurred = PartialDate::new(facts.occurred.first(), Precision::Month);
        facts.perpetrator = Perpetrator::NotIdentified;
        facts.means = Means::NotKnown;
        facts.act = Act::AttackOnPremises;
        insta::assert_snapshot!(summary(&facts, Some("Mali"), Counts::default()), @"In February 2019, MINUSMA reported an attack on premises in Mali. Activity: official travel. The alleged perpetrator is not identified.");
    }
}
