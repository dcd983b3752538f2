//! Which acts take more than one person: every route that changes something is one person's, or has its place in the table.

use std::collections::BTreeSet;

use casque::domain::Proposal;
use casque::policy::acts;

use crate::harness::TestServer;
use crate::nouns::fixtures;

/// Routes of an act of several people: who begins it, and who agrees.
const OF_SEVERAL: &[(&str, &str)] = &[
    ("/v1/incidents/{reference}/transitions", "release_incident"),
    ("/v1/transitions", "release_incident"),
    ("/v1/incidents/{reference}/transitions", "withdraw_incident"),
    ("/v1/transitions", "withdraw_incident"),
    ("/v1/proceedings", "record_proceeding"),
    ("/v1/proceedings/{reference}/decision", "record_proceeding"),
    ("/v1/proceedings/{reference}/decision", "withdraw_proceeding"),
    ("/v1/proceedings/{reference}/accused", "add_accused"),
    ("/v1/proceedings/{reference}/accused/{handle}/decision", "add_accused"),
    ("/v1/proceedings/{reference}/accused/{handle}/decision", "withdraw_accused"),
    ("/v1/cases/{reference}/incidents/{incident}/decision", "add_incident_to_case"),
    ("/v1/cases/{reference}/incidents/{incident}/decision", "withdraw_incident_from_case"),
    ("/v1/proceedings/{reference}/steps", "propose_step"),
    ("/v1/proceedings/{reference}/steps", "record_outcome"),
    ("/v1/proceedings/{reference}/steps/{handle}/decision", "propose_step"),
    ("/v1/proceedings/{reference}/steps/{handle}/decision", "record_outcome"),
    ("/v1/proceedings/{reference}/steps/{handle}/decision", "withdraw_outcome"),
    ("/v1/measures/{reference}/decision", "withdraw_measure"),
    ("/v1/incidents/{reference}/withholding", "withhold_from_state"),
    ("/v1/approvals", "open_strictly_confidential"),
    ("/v1/approvals/{id}/note", "open_strictly_confidential"),
    ("/v1/approvals/{id}/decision", "open_strictly_confidential"),
    ("/v1/disclosures/{id}/note", "open_in_emergency"),
    ("/v1/disclosures/{id}/review", "open_in_emergency"),
    ("/v1/accounts", "give_rights"),
    ("/v1/accounts/{id}/changes", "give_rights"),
    ("/v1/account-changes/{id}/decision", "give_rights"),
    ("/v1/accounts/{id}/second-factor", "reset_second_factor"),
    ("/v1/erasures", "erase_person"),
    ("/v1/erasures/{number}/decision", "erase_person"),
    ("/v1/tables", "publish_tables"),
    ("/v1/tables/{year}/decision", "publish_tables"),
    ("/v1/restorations/{id}/confirmation", "confirm_restoration"),
];

/// Routes of what one person does, with why one is enough.
const OF_ONE: &[(&str, &str)] = &[
    ("/v1/incidents", "a report, which nobody else sees before it is released"),
    ("/v1/incidents/{reference}", "a working edition, which is verified and released by others"),
    ("/v1/incidents/{reference}/victims", "the same"),
    ("/v1/incidents/{reference}/victims/{handle}", "the same"),
    ("/v1/incidents/{reference}/suspects", "the same"),
    ("/v1/incidents/{reference}/suspects/{handle}", "the same"),
    ("/v1/incidents/{reference}/split", "of what is not released"),
    ("/v1/incidents/{reference}/merge", "of what is not released"),
    ("/v1/cases", "the UN's own file: it concerns nobody new"),
    ("/v1/cases/{reference}", "the same; incidents that are added wait where proceedings serve the case"),
    ("/v1/cases/{reference}/transitions", "the same"),
    ("/v1/proceedings/{reference}", "facts of a proceeding that was accepted; its State never changes"),
    ("/v1/proceedings/{reference}/accused/{handle}", "sealed values of an accused"),
    ("/v1/disclosures", "what the policy lets one person open, or an emergency, which another reviews"),
    ("/v1/disclosures/editions", "what the mission's own desk works on"),
    ("/v1/disclosures/files", "the same, as a file"),
    ("/v1/disclosures/matches", "it gives no sealed value"),
    ("/v1/sittings", "what is confidential"),
    ("/v1/sittings/{id}", "an end"),
    ("/v1/likely-duplicates/{id}/decision", "it changes no record"),
    ("/v1/imports", "a public file; what is released of it is released by another"),
    ("/v1/accounts/{id}/invitations", "a link for an account that two made"),
    ("/v1/accounts/{id}/keys", "the State's own manager, for the State's own system"),
    ("/v1/accounts/{id}/keys/{key}", "an end"),
    ("/v1/accounts/{id}/reviews", "it changes no right"),
    ("/v1/invitations/acceptance", "one's own account"),
    ("/v1/me/password", "one's own account"),
    ("/v1/me/second-factor", "one's own account"),
    ("/v1/me/second-factor/confirmation", "one's own account"),
    ("/v1/sessions", "one's own account"),
    ("/v1/sessions/refresh", "one's own account"),
    ("/v1/sessions/current", "one's own account"),
    ("/v1/sessions/single-sign-on", "one's own account"),
    ("/v1/sessions/single-sign-on/completion", "one's own account"),
    ("/v1/sessions/{id}", "an end"),
];

#[test]
fn every_route_that_changes_something_is_one_persons_or_has_its_place_in_the_table() {
    let server = TestServer::start();
    let changing: BTreeSet<String> = server
        .routes()
        .into_iter()
        .filter(|(method, route)| method != "GET" && route.starts_with("/v1/"))
        .map(|(_, route)| route)
        .collect();
    // A route of several acts is named once for each.
    let (mut several, mut alone): (Vec<(String, &str)>, Vec<String>) = (Vec::new(), Vec::new());
    several.extend(OF_SEVERAL.iter().map(|(route, act)| ((*route).to_owned(), *act)));
    alone.extend(OF_ONE.iter().map(|(route, _)| (*route).to_owned()));
    for (noun, fixture) in fixtures() {
        let list = format!("/v1/{}", noun.path());
        let record = format!("{list}/{{reference}}");
        match noun.spec().proposed {
            Some(Proposal { act, at, .. }) => {
                let proposed = if at.is_empty() { list.clone() } else { format!("{record}{at}") };
                several.extend([(proposed, act), (format!("{record}/decision"), act)]);
                if !at.is_empty() {
                    alone.push(list);
                }
            }
            None => alone.push(list),
        }
        alone.extend(
            fixture
                .more
                .iter()
                .filter(|(end, ..)| noun.spec().proposed.is_none_or(|of| of.at != *end))
                .map(|(end, ..)| format!("{record}{end}")),
        );
        alone.push(record);
        assert_eq!(noun.spec().proposed.is_some(), fixture.propose.is_some(), "{noun:?}");
        let is_proposed = noun.spec().proposed.is_some_and(|proposal| proposal.at.is_empty());
        assert!(is_proposed || !fixture.alone[0].is_empty(), "{noun:?}: why is one person enough?");
        assert!(!fixture.alone[1].is_empty() && fixture.more.iter().all(|(.., why)| !why.is_empty()), "{noun:?}");
    }
    let routes: BTreeSet<&str> = several.iter().map(|(route, _)| route.as_str()).collect();
    let listed: Vec<&str> = routes.into_iter().chain(alone.iter().map(String::as_str)).collect();
    for route in &changing {
        let times = listed.iter().filter(|known| *known == route).count();
        assert_eq!(times, 1, "{route}: say which act it is (src/policy/acts.rs), or why one person is enough");
    }
    assert_eq!(listed.len(), changing.len(), "a route that is no more");
    for (route, act) in &several {
        assert!(acts().any(|rule| rule.act == *act), "{route}: {act} is not in the table");
    }
    let shown = server.as_("iceland").get("/v1/policy").json();
    let shown: Vec<&str> = shown["acts"].as_array().unwrap().iter().map(|act| act["act"].as_str().unwrap()).collect();
    assert_eq!(shown, acts().map(|rule| rule.act).collect::<Vec<_>>());
    for rule in acts() {
        assert!(several.iter().any(|(_, act)| *act == rule.act), "{}: by no route", rule.act);
    }
}
