//! The tables, in diesel's words. Made of the migration's text by `CASQUE_REWRITE=1 cargo test conformance::columns`.

diesel::table! {
    state (code) {
        code -> Text,
        m49 -> Text,
        historical -> Bool,
        name_ar -> Text,
        name_zh -> Text,
        name_en -> Text,
        name_fr -> Text,
        name_ru -> Text,
        name_es -> Text,
    }
}

diesel::table! {
    mission (acronym) {
        acronym -> Text,
        name -> Text,
        kind -> Text,
        started_on -> Nullable<Date>,
        ended_on -> Nullable<Date>,
    }
}

diesel::table! {
    mission_host (mission, state) {
        mission -> Text,
        state -> Text,
    }
}

diesel::table! {
    account (id) {
        id -> Binary,
        email -> Text,
        name -> Text,
        role -> Text,
        state -> Nullable<Text>,
        graded -> Bool,
        suspended -> Bool,
        created_at -> Timestamp,
        state_function -> Nullable<Text>,
        machine -> Bool,
        from_on -> Nullable<Date>,
        to_on -> Nullable<Date>,
        opens_from -> Nullable<Timestamp>,
        reviewed_at -> Nullable<Timestamp>,
        single_sign_on -> Nullable<Text>,
        proposed -> Bool,
    }
}

diesel::table! {
    account_mission (account_id, mission) {
        account_id -> Binary,
        mission -> Text,
    }
}

diesel::table! {
    session (id) {
        id -> Binary,
        account_id -> Binary,
        started_at -> Timestamp,
        expires_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        visitor -> Nullable<Binary>,
        assured -> Bool,
        wrong_proofs -> Integer,
    }
}

diesel::table! {
    refresh_token (hash) {
        hash -> Binary,
        session_id -> Binary,
        issued_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
        parent -> Nullable<Binary>,
        retried_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    designation (id) {
        id -> Binary,
        mission -> Text,
        kind -> Text,
        account_id -> Binary,
        from_on -> Date,
        to_on -> Nullable<Date>,
    }
}

diesel::table! {
    class_key (id) {
        id -> Binary,
        class -> Text,
        public -> Binary,
        signature -> Binary,
        wrapped -> Binary,
        recovery -> Nullable<Binary>,
        created_at -> Timestamp,
        sequence -> BigInt,
        effective_from -> Timestamp,
    }
}

diesel::table! {
    epoch (id) {
        id -> Binary,
        class_key_id -> Binary,
        sealed -> Binary,
        created_at -> Timestamp,
    }
}

diesel::table! {
    data_key (id) {
        id -> Binary,
        epoch_id -> Binary,
        record_id -> Binary,
        class -> Text,
        wrapped -> Binary,
    }
}

diesel::table! {
    sealed_value (holder_id, field) {
        holder_id -> Binary,
        field -> Integer,
        record_id -> Binary,
        bytes -> Binary,
    }
}

diesel::table! {
    incident (id) {
        id -> Binary,
        reference -> Text,
        merged_into -> Nullable<Binary>,
        created_by -> Binary,
        created_at -> Timestamp,
    }
}

diesel::table! {
    incident_edition (id) {
        id -> Binary,
        incident_id -> Binary,
        reference -> Text,
        number -> Integer,
        status -> Text,
        is_current -> Bool,
        is_released -> Bool,
        mission -> Text,
        host_state -> Nullable<Text>,
        occurred_on -> Date,
        occurred_on_precision -> Text,
        occurred_year -> Integer,
        region -> Nullable<Text>,
        act -> Text,
        means -> Text,
        activity -> Text,
        perpetrator_category -> Text,
        others_killed -> Integer,
        others_injured -> Integer,
        victims -> Integer,
        killed -> Integer,
        injured -> Integer,
        abducted -> Integer,
        detained -> Integer,
        still_held -> Integer,
        noticas_id -> Nullable<Text>,
        sage_id -> Nullable<Text>,
        public_file -> Bool,
        updated_at -> Timestamp,
        released_at -> Nullable<Timestamp>,
        superseded_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    edition_handling (edition_id) {
        edition_id -> Binary,
        author_id -> Binary,
        verifier_id -> Nullable<Binary>,
        releaser_id -> Nullable<Binary>,
        created_at -> Timestamp,
        hold_reason -> Nullable<Text>,
        hold_review_on -> Nullable<Date>,
        reason -> Nullable<Text>,
        reason_fields -> Nullable<Text>,
        withdrawal_by -> Nullable<Binary>,
        tag_confidential -> Binary,
        tag_strictly_confidential -> Binary,
    }
}

diesel::table! {
    victim (id) {
        id -> Binary,
        edition_id -> Binary,
        victim_id -> Binary,
        handle -> Text,
        position -> Integer,
        category -> Text,
        states -> Text,
        outcome -> Text,
        sex_of_dead -> Nullable<Text>,
        noticas_id -> Nullable<Text>,
        kin_notified_on -> Nullable<Date>,
        state_notified_on -> Nullable<Date>,
        died_on -> Nullable<Date>,
        held_from -> Nullable<Date>,
        held_until -> Nullable<Date>,
        held_end -> Nullable<Text>,
    }
}

diesel::table! {
    suspect (id) {
        id -> Binary,
        edition_id -> Binary,
        suspect_id -> Binary,
        handle -> Text,
        position -> Integer,
        category -> Text,
        status -> Text,
    }
}

diesel::table! {
    withholding (id) {
        id -> Binary,
        incident_id -> Binary,
        states -> Text,
        reason -> Text,
        proposed_by -> Binary,
        proposed_at -> Timestamp,
        confirmed_by -> Nullable<Binary>,
        confirmed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    concern (id) {
        id -> Binary,
        incident_id -> Binary,
        victim_id -> Nullable<Binary>,
        state -> Text,
        basis -> Text,
        from_at -> Timestamp,
        to_at -> Nullable<Timestamp>,
        edition_id -> Nullable<Binary>,
        frozen_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    case_file (id) {
        id -> Binary,
        reference -> Text,
        mission -> Text,
        status -> Text,
        opened_on -> Date,
        information_status -> Text,
        information_on -> Nullable<Date>,
        stage_furthest -> Text,
        stage_current -> Text,
        tag_confidential -> Binary,
        created_by -> Binary,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    case_event (id) {
        id -> Binary,
        case_id -> Binary,
        status -> Text,
        happened_on -> Date,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    case_incident (case_id, incident_id) {
        case_id -> Binary,
        incident_id -> Binary,
        status -> Text,
        added_by -> Nullable<Binary>,
        since -> Timestamp,
        decided_by -> Nullable<Binary>,
        withdrawal_by -> Nullable<Binary>,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    proceeding (id) {
        id -> Binary,
        reference -> Text,
        state -> Text,
        authority -> Text,
        forum -> Text,
        jurisdiction -> Text,
        opened_on -> Date,
        opened_on_precision -> Text,
        obstacles -> Text,
        stage_furthest -> Text,
        stage_current -> Text,
        tag_confidential -> Binary,
        tag_strictly_confidential -> Binary,
        created_by -> Binary,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        status -> Text,
        submitted_state -> Nullable<Text>,
        decided_by -> Nullable<Binary>,
        decided_at -> Nullable<Timestamp>,
        reason -> Nullable<Text>,
        reason_fields -> Nullable<Text>,
        withdrawal_by -> Nullable<Binary>,
        withdrawn_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    proceeding_case (proceeding_id, case_id) {
        proceeding_id -> Binary,
        case_id -> Binary,
    }
}

diesel::table! {
    accused (id) {
        id -> Binary,
        proceeding_id -> Binary,
        number -> Integer,
        suspect_id -> Nullable<Binary>,
        stage_furthest -> Text,
        stage_current -> Text,
        outcome -> Text,
        in_absentia -> Bool,
        detention -> Text,
        recorded_at -> Timestamp,
        status -> Text,
        submitted_by -> Nullable<Binary>,
        submitted_state -> Nullable<Text>,
        decided_by -> Nullable<Binary>,
        reason -> Nullable<Text>,
        handle -> Text,
        reason_fields -> Nullable<Text>,
        withdrawal_by -> Nullable<Binary>,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    accused_incident (accused_id, incident_id) {
        accused_id -> Binary,
        incident_id -> Binary,
    }
}

diesel::table! {
    step (id) {
        id -> Binary,
        handle -> Text,
        proceeding_id -> Binary,
        accused -> Nullable<Integer>,
        kind -> Text,
        happened_on -> Date,
        happened_on_precision -> Text,
        stage -> Nullable<Text>,
        outcome -> Nullable<Text>,
        exit -> Nullable<Text>,
        sentence -> Nullable<Text>,
        sentence_months -> Nullable<Integer>,
        obstacle -> Nullable<Text>,
        postponed_to -> Nullable<Date>,
        source_url -> Nullable<Text>,
        status -> Text,
        submitted_by -> Binary,
        submitted_state -> Nullable<Text>,
        submitted_at -> Timestamp,
        recorded_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Binary>,
        reason -> Nullable<Text>,
        reason_fields -> Nullable<Text>,
        corrects -> Nullable<Binary>,
        correction_reason -> Nullable<Text>,
        withdrawal_by -> Nullable<Binary>,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    assistance (id) {
        id -> Binary,
        reference -> Text,
        state -> Text,
        mission -> Nullable<Text>,
        kind -> Text,
        provider -> Text,
        status -> Text,
        offered_on -> Date,
        delivered_from -> Nullable<Date>,
        delivered_to -> Nullable<Date>,
        women -> Nullable<Integer>,
        men -> Nullable<Integer>,
        cost_usd -> Nullable<BigInt>,
        funding_source -> Nullable<Text>,
        tag_confidential -> Binary,
        created_by -> Binary,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    assistance_case (assistance_id, case_id) {
        assistance_id -> Binary,
        case_id -> Binary,
    }
}

diesel::table! {
    measure (id) {
        id -> Binary,
        reference -> Text,
        state -> Text,
        kind -> Text,
        instrument -> Text,
        taken_on -> Date,
        taken_on_precision -> Text,
        source_url -> Nullable<Text>,
        status -> Text,
        submitted_state -> Nullable<Text>,
        tag_confidential -> Binary,
        created_by -> Binary,
        decided_by -> Nullable<Binary>,
        reason -> Nullable<Text>,
        created_at -> Timestamp,
        recorded_at -> Nullable<Timestamp>,
        updated_at -> Timestamp,
        reason_fields -> Nullable<Text>,
        withdrawal_by -> Nullable<Binary>,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    revision (id) {
        id -> Binary,
        noun -> Text,
        record_id -> Binary,
        root_id -> Binary,
        edition -> Nullable<Integer>,
        kind -> Text,
        made_at -> Timestamp,
        author_id -> Binary,
        reason -> Nullable<Text>,
        open_changes -> Text,
        sealed_changes -> Text,
        audit_id -> Binary,
    }
}

diesel::table! {
    audit_hash (position) {
        position -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    audit_checkpoint (size) {
        size -> BigInt,
        note -> Text,
        made_at -> Timestamp,
    }
}

diesel::table! {
    idempotency (account_id, route, key_hash) {
        account_id -> Binary,
        route -> Text,
        key_hash -> Binary,
        body_mac -> Binary,
        status -> Integer,
        target -> Text,
        made_at -> Timestamp,
    }
}

diesel::table! {
    disclosure (id) {
        id -> Binary,
        made_at -> Timestamp,
        account_id -> Binary,
        record -> Text,
        root_id -> Binary,
        mission -> Nullable<Text>,
        class -> Text,
        purpose -> Text,
        refusal -> Nullable<Text>,
        mode -> Text,
        within_id -> Nullable<Binary>,
        emergency -> Bool,
    }
}

diesel::table! {
    disclosure_item (disclosure_id, record_id) {
        disclosure_id -> Binary,
        record_id -> Binary,
        record -> Text,
        fields -> Text,
    }
}

diesel::table! {
    import (id) {
        id -> Binary,
        source -> Text,
        sha256 -> Binary,
        vintage -> Date,
        made_at -> Timestamp,
        account_id -> Binary,
    }
}

diesel::table! {
    import_row (id) {
        id -> Binary,
        import_id -> Binary,
        line -> Integer,
        key -> Text,
        raw -> Text,
        vintage -> Date,
        incident_id -> Nullable<Binary>,
    }
}

diesel::table! {
    credential (account_id) {
        account_id -> Binary,
        password_hash -> Text,
    }
}

diesel::table! {
    audit_leaf (position) {
        position -> BigInt,
        entry_id -> Binary,
    }
}

diesel::table! {
    audit_entry (id) {
        id -> Binary,
        made_at -> Timestamp,
        actor_id -> Nullable<Binary>,
        action -> Text,
        subject -> Text,
        body -> Text,
        salt -> Binary,
    }
}

diesel::table! {
    audit_pending (entry_id) {
        entry_id -> Binary,
    }
}

diesel::table! {
    heartbeat (name) {
        name -> Text,
        value -> BigInt,
    }
}

diesel::table! {
    erasure (record_id) {
        record_id -> Binary,
        erased_at -> Timestamp,
    }
}

diesel::table! {
    tally_change (unit) {
        unit -> Text,
        mission -> Nullable<Text>,
        host_state -> Nullable<Text>,
        year -> Nullable<Integer>,
        act -> Nullable<Text>,
        means -> Nullable<Text>,
        outcome -> Nullable<Text>,
        personnel_category -> Nullable<Text>,
        stage -> Nullable<Text>,
        forum -> Nullable<Text>,
        in_absentia -> Nullable<Bool>,
        information_status -> Nullable<Text>,
        amount -> Integer,
    }
}

diesel::table! {
    tally (unit, dimensions, key) {
        unit -> Text,
        dimensions -> Text,
        key -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    second_factor (account_id) {
        account_id -> Binary,
        secret -> Nullable<Binary>,
        pending -> Nullable<Binary>,
        last_step -> BigInt,
        failures -> Integer,
        failed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    recovery_code (hash) {
        hash -> Binary,
        account_id -> Binary,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    invitation (hash) {
        hash -> Binary,
        account_id -> Binary,
        made_at -> Timestamp,
        made_by -> Binary,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    account_change (id) {
        id -> Binary,
        account_id -> Binary,
        kind -> Text,
        rights -> Text,
        asked_at -> Timestamp,
        asked_by -> Binary,
        expires_at -> Timestamp,
        decided_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Binary>,
        approved -> Nullable<Bool>,
        rights_before -> Nullable<Text>,
    }
}

diesel::table! {
    machine_key (id) {
        id -> Binary,
        hash -> Binary,
        account_id -> Binary,
        name -> Text,
        made_at -> Timestamp,
        made_by -> Binary,
        expires_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    notice (id) {
        id -> Binary,
        account_id -> Binary,
        told_at -> Timestamp,
        kind -> Text,
    }
}

diesel::table! {
    sitting (id) {
        id -> Binary,
        account_id -> Binary,
        session_id -> Binary,
        purpose -> Text,
        started_at -> Timestamp,
        expires_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    approval (id) {
        id -> Binary,
        account_id -> Binary,
        record -> Text,
        class -> Text,
        fields -> Text,
        purpose -> Text,
        asked_at -> Timestamp,
        expires_at -> Timestamp,
        decided_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Binary>,
        approved -> Nullable<Bool>,
    }
}

diesel::table! {
    disclosure_review (disclosure_id) {
        disclosure_id -> Binary,
        reviewed_at -> Timestamp,
        reviewed_by -> Binary,
        finding -> Text,
    }
}

diesel::table! {
    alert (id) {
        id -> Binary,
        raised_at -> Timestamp,
        account_id -> Binary,
        kind -> Text,
        records -> BigInt,
    }
}

diesel::table! {
    likely_duplicate (id) {
        id -> Binary,
        found_at -> Timestamp,
        found_by -> Binary,
        source -> Text,
        disclosure_id -> Nullable<Binary>,
        record -> Nullable<Text>,
        other -> Text,
        score -> Integer,
        decided_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Binary>,
        finding -> Nullable<Text>,
        incident -> Nullable<Text>,
        other_incident -> Nullable<Text>,
    }
}

diesel::table! {
    table_release (id) {
        id -> Binary,
        year -> Integer,
        cut_off -> Timestamp,
        tables -> Text,
        proposed_by -> Binary,
        decided_by -> Nullable<Binary>,
        decided_at -> Nullable<Timestamp>,
        released -> Nullable<Bool>,
    }
}

diesel::table! {
    erasure_request (id) {
        id -> Binary,
        number -> Text,
        record -> Text,
        record_id -> Binary,
        reason -> Text,
        asked_by -> Binary,
        asked_at -> Timestamp,
        expires_at -> Timestamp,
        decided_by -> Nullable<Binary>,
        decided_at -> Nullable<Timestamp>,
        approved -> Nullable<Bool>,
        erased_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    restoration (id) {
        id -> Binary,
        kind -> Text,
        made_at -> Timestamp,
        archived_at -> Timestamp,
        reason -> Nullable<Text>,
        undone -> Text,
        officer_id -> Nullable<Binary>,
        officer_at -> Nullable<Timestamp>,
        administrator_id -> Nullable<Binary>,
        administrator_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    note_reading (id) {
        id -> Binary,
        note_id -> Binary,
        account_id -> Binary,
        read_at -> Timestamp,
    }
}

diesel::table! {
    sign_on_use (hash) {
        hash -> Binary,
        good_until -> Timestamp,
    }
}

diesel::table! {
    follow_up (id) {
        id -> Binary,
        reference -> Text,
        case_reference -> Text,
        mission -> Text,
        state -> Text,
        kind -> Text,
        sent_on -> Date,
        due_on -> Nullable<Date>,
        reply_status -> Text,
        replied_on -> Nullable<Date>,
        status -> Nullable<Text>,
        offered_reply -> Nullable<Text>,
        offered_on -> Nullable<Date>,
        offered_by -> Nullable<Binary>,
        offered_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Binary>,
        reason -> Nullable<Text>,
        reason_fields -> Nullable<Text>,
        tag_confidential -> Binary,
        created_by -> Binary,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    contribution (id) {
        id -> Binary,
        reference -> Text,
        state -> Text,
        purpose -> Text,
        pledged_on -> Date,
        pledged_usd -> BigInt,
        received_on -> Nullable<Date>,
        received_usd -> Nullable<BigInt>,
        mission -> Nullable<Text>,
        tag_confidential -> Binary,
        created_by -> Binary,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    state,
    mission,
    mission_host,
    account,
    account_mission,
    session,
    refresh_token,
    designation,
    class_key,
    epoch,
    data_key,
    sealed_value,
    incident,
    incident_edition,
    edition_handling,
    victim,
    suspect,
    withholding,
    concern,
    case_file,
    case_event,
    case_incident,
    proceeding,
    proceeding_case,
    accused,
    accused_incident,
    step,
    assistance,
    assistance_case,
    measure,
    revision,
    audit_hash,
    audit_checkpoint,
    idempotency,
    disclosure,
    disclosure_item,
    import,
    import_row,
    credential,
    audit_leaf,
    audit_entry,
    audit_pending,
    heartbeat,
    erasure,
    tally_change,
    tally,
    second_factor,
    recovery_code,
    invitation,
    account_change,
    machine_key,
    notice,
    sitting,
    approval,
    disclosure_review,
    alert,
    likely_duplicate,
    table_release,
    erasure_request,
    restoration,
    note_reading,
    sign_on_use,
    follow_up,
    contribution,
);
