//! The code lists that describe crimes, persons and what was done about them. Sources: the Convention on the Safety of
//! United Nations and Associated Personnel (1994), article 9, for acts; the NOTICAS personnel types; the stages of
//! common-law and civil-law proceedings under one code; UNESCO's reply model for the information status.

use super::code::code_list;

code_list! {
    /// How exactly a date is known.
    Precision in "precision" { Day = "Day", Month = "Month", Year = "Year" }

    /// Kind of act against UN personnel, premises or transport (1994 Convention, article 9, widened by resolution 2589
    /// (2021) to detention and abduction).
    Act in "act" {
        Killing = "Killing",
        AttemptedKilling = "Attempted killing",
        Wounding = "Wounding (serious injury)",
        Assault = "Assault (minor or no injury)",
        TortureIllTreatment = "Torture or ill-treatment",
        SexualViolence = "Sexual violence",
        AbductionHostageTaking = "Abduction or hostage-taking",
        UnlawfulDetention = "Unlawful detention",
        EnforcedDisappearance = "Enforced disappearance",
        ThreatIntimidation = "Threat or intimidation",
        AttackOnPremises = "Attack on premises",
        AttackOnConvoyTransport = "Attack on convoy or transport",
        ArmedRobberyHijacking = "Armed robbery or hijacking",
        LootingDestructionProperty = "Looting or destruction of property",
        ObstructionOfMovement = "Obstruction of movement",
        Incitement = "Incitement",
        AttemptOther = "Attempt at another act",
        ParticipationOrdering = "Participation, organizing or ordering",
        Other = "Other",
        NotKnown = "Not known",
    }

    /// Means used.
    Means in "means" {
        SmallArms = "Small arms",
        AmbushComplex = "Complex ambush",
        Ied = "Improvised explosive device",
        MineErw = "Mine or explosive remnant of war",
        IndirectFire = "Indirect fire",
        AerialDrone = "Aerial drone",
        AirStrike = "Air strike",
        RpgHeavyWeapon = "Rocket-propelled grenade or heavy weapon",
        Grenade = "Grenade",
        Arson = "Arson",
        StonesBlunt = "Stones or blunt objects",
        VehicleRamming = "Vehicle ramming",
        Bladed = "Bladed weapon",
        MobViolence = "Mob violence",
        Unarmed = "Unarmed",
        Other = "Other",
        NotApplicable = "Not applicable",
        NotKnown = "Not known",
    }

    /// What the victims were doing.
    Activity in "activity" {
        Patrol = "Patrol",
        ConvoyEscort = "Convoy or escort",
        BaseOrStaticPost = "Base or static post",
        Checkpoint = "Checkpoint",
        TravelOfficial = "Official travel",
        TravelLeave = "Travel on leave",
        Demonstration = "Demonstration",
        Residence = "Residence",
        MedevacCasevac = "Medical or casualty evacuation",
        Aircraft = "Aircraft",
        Other = "Other",
        NotKnown = "Not known",
    }

    /// Category of alleged perpetrator. Always "alleged" until a court has found.
    Perpetrator in "perpetrator_category" {
        NonStateArmedGroup = "Non-State armed group",
        ListedTerroristGroup = "Listed terrorist group",
        SelfDefenceMilitia = "Self-defence militia",
        HostStateForces = "Forces of the host State",
        OtherStateForces = "Forces of another State",
        CriminalGroup = "Criminal group",
        CiviliansCrowd = "Civilians or a crowd",
        Individual = "Individual",
        UnPersonnel = "United Nations personnel",
        PrivateMilitaryCompany = "Private military company",
        NotIdentified = "Not identified",
        Other = "Other",
    }

    /// Category of UN personnel, finer than NOTICAS; `not_stated` where the source has only the coarse type.
    Personnel in "personnel_category" {
        Military = "Military personnel (category not stated)",
        ContingentTroop = "Contingent member",
        StaffOfficer = "Military staff officer",
        MilitaryObserver = "Military observer or liaison officer",
        Police = "Police personnel (category not stated)",
        Fpu = "Formed police unit member",
        Ipo = "Individual police officer",
        GppCorrections = "Government-provided corrections or justice personnel",
        IntlCivilian = "International civilian staff",
        NationalCivilian = "Locally recruited staff",
        UnvIntl = "International United Nations Volunteer",
        UnvNational = "National United Nations Volunteer",
        ConsultantContractor = "Consultant, contractor or intern",
        ExpertPanel = "Expert on mission or member of a panel",
        NotStated = "Not stated",
    }

    /// What happened to a victim.
    Harm in "outcome" {
        Killed = "Killed",
        GravelyInjured = "Gravely injured",
        Injured = "Injured",
        Abducted = "Abducted",
        Detained = "Detained",
        Missing = "Missing",
        Threatened = "Threatened",
        Unharmed = "Unharmed",
        NotKnown = "Not known",
    }

    /// How it ended that somebody was held.
    HeldEnd in "held_end" {
        Released = "Released",
        Freed = "Freed by others",
        Escaped = "Escaped",
        Found = "Found alive",
        Died = "Died",
        NotKnown = "Not known",
    }

    /// Sex.
    Sex in "sex" { Female = "Female", Male = "Male", NotKnown = "Not known" }

    /// Where a suspect stands, as the UN knows.
    SuspectStatus in "suspect_status" {
        Identified = "Identified",
        AtLarge = "At large",
        Detained = "Detained",
        Released = "Released",
        Deceased = "Deceased",
        NotKnown = "Not known",
    }

    /// Stage of national proceedings, in rank order, held by each accused and rolled up. `no_information` is not "no
    /// investigation".
    Stage in "stage" {
        NoInformation = "No information",
        Reported = "Reported to the authorities",
        PreliminaryEnquiry = "Preliminary enquiry",
        Investigation = "Investigation",
        Charged = "Charged",
        CommittedForTrial = "Committed for trial",
        Trial = "Trial",
        FirstJudgement = "First-instance judgement",
        Appeal = "Appeal",
        FinalJudgement = "Final judgement",
        Enforcement = "Enforcement of sentence",
    }

    /// How a person leaves proceedings other than by judgement.
    Exit in "exit" {
        ClosedNoProsecution = "Closed without prosecution",
        Stayed = "Stayed",
        Discontinued = "Discontinued",
        Abated = "Abated (death of the accused)",
        Transferred = "Transferred to another jurisdiction",
    }

    /// Outcome for an accused.
    Outcome in "accused_outcome" {
        Pending = "Pending",
        Convicted = "Convicted",
        ConvictedInAbsentia = "Convicted in absentia",
        Acquitted = "Acquitted",
        Dismissed = "Dismissed",
        Abated = "Abated",
    }

    /// Whether an accused is held.
    Detention in "detention" {
        NotKnown = "Not known",
        AtLarge = "At large",
        Detained = "Detained",
        Bail = "On bail",
        Escaped = "Escaped",
        Released = "Released",
    }

    /// Kind of authority that holds the file.
    Forum in "forum" {
        Ordinary = "Ordinary court",
        Military = "Military court",
        Specialised = "Specialised court",
        Hybrid = "Hybrid court",
        International = "International court",
        ThirdState = "Court of a third State",
        NotKnown = "Not known",
    }

    /// Ground of jurisdiction.
    Jurisdiction in "jurisdiction" {
        Territorial = "Territorial",
        Nationality = "Nationality of the accused",
        PassivePersonality = "Nationality of the victim",
        Universal = "Universal",
        Treaty = "Treaty",
        NotKnown = "Not known",
    }

    /// What a dated event of a proceeding is.
    StepKind in "step_kind" {
        StageReached = "Stage reached",
        WarrantIssued = "Warrant issued",
        Arrest = "Arrest",
        Bail = "Release on bail",
        Escape = "Escape",
        Release = "Release",
        Hearing = "Hearing",
        Postponement = "Postponement",
        Judgement = "Judgement",
        Sentence = "Sentence",
        Appeal = "Appeal",
        Exit = "Exit",
        Reopened = "Reopened",
    }

    /// What is decided on something that was submitted.
    Ruling in "ruling" {
        Accepted = "Accepted",
        Returned = "Returned",
        Withdrawn = "Withdrawn",
    }

    /// Whether what was submitted is part of the record.
    SubmissionStatus in "submission_status" {
        Proposed = "Proposed",
        Accepted = "Accepted",
        Returned = "Returned",
        Withdrawn = "Withdrawn",
        Superseded = "Replaced by a correction",
    }

    /// What the State told the United Nations; an axis of its own beside the stage.
    InformationStatus in "information_status" {
        NotRecorded = "Not recorded",
        NoRequestMade = "No request made",
        RequestedNoReply = "Requested, no reply",
        AcknowledgedOnly = "Acknowledged only",
        SubstantiveReply = "Substantive reply",
        ReplyDisputed = "Reply disputed",
    }

    /// What stands in the way of a proceeding.
    Obstacle in "obstacle" {
        PerpetratorUnidentified = "Perpetrator unidentified",
        NoTerritorialControl = "No territorial control",
        InsecurityAccess = "Insecurity, no access",
        OngoingHostilities = "Ongoing hostilities",
        CrimeSceneLost = "Crime scene lost",
        NoForensics = "No forensics",
        EvidenceInadmissible = "Evidence inadmissible",
        WitnessUnavailableRotatedHome = "Witness unavailable or rotated home",
        WitnessFear = "Witnesses are afraid",
        SuspectsAtLarge = "Suspects at large",
        Escape = "Escape",
        ExtraditionAbsent = "No extradition",
        PoliticalWill = "Lack of political will",
        ArmedGroupPartOfPeaceProcess = "Armed group part of a peace process",
        Amnesty = "Amnesty",
        CapacityPolice = "Lack of police capacity",
        CapacityCourts = "Lack of court capacity",
        DetentionCapacity = "Lack of detention capacity",
        LegalGap = "Legal gap",
        DeathPenaltyBarToCooperation = "Death penalty bars cooperation",
        InAbsentiaBar = "Trial in absentia bars cooperation",
        ImmunityWaiverPending = "Waiver of immunity pending",
        UnInformationClassified = "United Nations information classified",
        Translation = "Translation",
        FundingLogistics = "Funding or logistics",
        MissionClosed = "Mission closed",
        StateActorImplicated = "State actor implicated",
        ServiceOfProcess = "Service of process",
        Other = "Other",
    }

    /// Status of the United Nations' accountability file.
    CaseStatus in "case_status" { Open = "Open", Concluded = "Concluded", Closed = "Closed", Reopened = "Reopened" }

    /// Who a person is for a mission's file.
    DesignationKind in "designation" {
        FocalPoint = "Focal point",
        Substitute = "Substitute",
        Custodian = "Custodian",
    }

    /// What found that two records may be of one person.
    DuplicateSource in "duplicate_source" {
        Match = "A match, out of the asker's scope",
        Import = "An import",
        Report = "A report",
    }

    /// Whether two records are of one person.
    DuplicateFinding in "duplicate_finding" {
        SamePerson = "One person",
        DifferentPersons = "Different persons",
    }

    /// Role of an account.
    Role in "role" {
        FocalPoint = "Mission focal point",
        MemberState = "Member State concerned",
        Secretariat = "Secretariat",
        SeniorFocalPoint = "Senior focal point",
        Auditor = "Auditor",
        Administrator = "Administrator",
    }

    /// Why a State is concerned (resolution 2589 (2021): host States, contributors, States of nationality).
    Basis in "basis" {
        Host = "Host State",
        Contributor = "Contributing State",
        Nationality = "State of nationality",
        Proceeding = "State of the proceeding",
    }

    /// Whether an operation is a peacekeeping operation or a special political mission.
    MissionKind in "mission_kind" { Pko = "Peacekeeping operation", Spm = "Special political mission", Other = "Other entity" }
}

impl Personnel {
    /// Whether a State contributed the person in uniform or as government-provided personnel: the State concerned is
    /// then the contributor, else the State or States of nationality.
    pub const fn is_contributed(self) -> bool {
        matches!(
            self,
            Self::Military
                | Self::ContingentTroop
                | Self::StaffOfficer
                | Self::MilitaryObserver
                | Self::Police
                | Self::Fpu
                | Self::Ipo
                | Self::GppCorrections
        )
    }
}

impl Perpetrator {
    /// Whether the category says that agents of a State may be involved, which blocks release until `withheld_from` is
    /// decided.
    pub const fn is_of_a_state(self) -> bool {
        matches!(self, Self::HostStateForces | Self::OtherStateForces)
    }
}

impl Harm {
    /// Dead, gravely injured, abducted, detained or missing: release then waits until next of kin and State were notified.
    pub const fn asks_notification(self) -> bool {
        matches!(self, Self::Killed | Self::GravelyInjured) || self.is_held()
    }

    /// Whether somebody was held, or is missing.
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Abducted | Self::Detained | Self::Missing)
    }
}

impl Ruling {
    /// What it makes of what was submitted.
    pub const fn status(self) -> SubmissionStatus {
        match self {
            Self::Accepted => SubmissionStatus::Accepted,
            Self::Returned => SubmissionStatus::Returned,
            Self::Withdrawn => SubmissionStatus::Withdrawn,
        }
    }
}
