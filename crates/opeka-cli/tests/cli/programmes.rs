//! Programmes held to their claims: a project whose figures were made so that each verdict and each
//! guard has a programme of its own.

use std::fmt::Write as _;

use serde_json::Value;

use crate::project::{Mini, copy, repository};

/// Authorities, in the order of their codes; what is done to which is said in [`effect`].
const AREAS: [&str; 60] = [
    "E06000001",
    "E06000002",
    "E06000003",
    "E06000004",
    "E06000005",
    "E06000006",
    "E06000007",
    "E06000008",
    "E06000009",
    "E06000010",
    "E06000011",
    "E06000012",
    "E06000013",
    "E06000014",
    "E06000015",
    "E06000016",
    "E06000017",
    "E06000018",
    "E06000019",
    "E06000020",
    "E06000021",
    "E06000022",
    "E06000023",
    "E06000024",
    "E06000025",
    "E06000026",
    "E06000027",
    "E06000030",
    "E06000031",
    "E06000032",
    "E06000033",
    "E06000034",
    "E06000035",
    "E06000036",
    "E06000037",
    "E06000038",
    "E06000039",
    "E06000040",
    "E06000041",
    "E06000042",
    "E06000043",
    "E06000044",
    "E06000045",
    "E06000046",
    "E06000047",
    "E06000049",
    "E06000050",
    "E06000051",
    "E06000052",
    "E06000054",
    "E06000055",
    "E06000056",
    "E06000057",
    "E08000001",
    "E08000002",
    "E08000003",
    "E08000004",
    "E08000005",
    "E08000006",
    "E06000059",
];
/// The authority whose borders changed in 2019.
const MOVED: &str = "E06000059";

const FIGURES: &str = "datasets/sources/office/2026-01-01/starting.csv";

/// A number from -1 to 1 that looks like chance and never changes.
fn noise(area: usize, year: usize) -> f64 {
    let mut state =
        (area as u64 * 1_000_003 + year as u64 * 7_919).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    state ^= state >> 29;
    state = state.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state ^= state >> 32;
    (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// What a programme does to the figure of an area in a year, as a factor: the first twelve fall by 30 %
/// from 2016 on, where `works` says so; areas 40 to 51 were falling all along.
fn effect(area: usize, year: usize, works: bool) -> f64 {
    match area {
        0..12 if year >= 2016 && works => 0.7,
        40..52 => 1.0 - 0.03 * (year as f64 - 2010.0),
        _ => 1.0,
    }
}

fn figures(works: bool) -> String {
    let mut csv = String::from("area,year,value,status\n");
    for (index, area) in AREAS.iter().enumerate() {
        for year in 2010..=2021 {
            let level = 40.0 + index as f64 * 0.5 + (year as f64 - 2010.0) * 0.4;
            let value = level * effect(index, year, works) + noise(index, year);
            // One treated area has no figure in a year, and one a break.
            let row = match (index, year) {
                (20, 2014) => format!("{area},{year},x,Q"),
                (21, 2015) => format!("{area},{year},{value:.3},B"),
                _ => format!("{area},{year},{value:.3},A"),
            };
            writeln!(csv, "{row}").expect("a string takes what is written");
        }
    }
    csv
}

/// A registry file: sites with their starts, and claims of a size in per cent.
fn programme(sites: &[(&str, &str)], claims: &[(&str, f64)]) -> String {
    let mut text = String::from(
        "title.en = \"A programme\"\nsummary.en = \"It does something.\"\ncountry = \"E92000001\"\n\n\
         [[documents]]\nid = \"page\"\ntitle = \"A page\"\npublisher = \"Somebody\"\ntext = \"page.txt\"\n\
         accessed = \"2026-01-01\"\n",
    );
    for (area, from) in sites {
        write!(text, "\n[[sites]]\nref_area = \"{area}\"\nname = \"Somewhere\"\nfrom = \"{from}\"\nline = 1\n")
            .expect("a string takes what is written");
    }
    for (id, size) in claims {
        write!(
            text,
            "\n[[claims]]\nid = \"{id}\"\nwording.en = \"It fell.\"\nkind = \"percent_change\"\n\
             size = {size:?}\noutcome.en = \"Children\"\nbetter = \"fewer\"\n\
             indicator = \"cla_starting_rate\"\ndesign = \"before_after\"\nneeded.en = \"More.\"\nline = 2\n"
        )
        .expect("a string takes what is written");
    }
    text
}

fn sites(areas: std::ops::Range<usize>, from: &'static str) -> Vec<(&'static str, &'static str)> {
    AREAS[areas].iter().map(|area| (*area, from)).collect()
}

const WORKS: &str = "datasets/programmes/works.toml";

fn project() -> Mini {
    let mini = Mini::new();
    std::fs::remove_dir_all(mini.path("pipelines/mini")).expect("is there");
    copy(&repository().join("pipelines/programmes"), &mini.path("pipelines/programmes"));
    mini.source(FIGURES, figures(true).as_bytes());
    mini.write(
        "pipelines/office/pipeline.toml",
        "title = \"Figures\"\nquestion = \"How many?\"\nowner = \"the tests\"\n",
    );
    mini.write(
        "pipelines/office/ingest/starting.recipe.toml",
        "title = \"Starting\"\ndataset = \"office\"\nsource = \"office/2026-01-01/starting.csv\"\n\n\
         [marks]\n\"x\" = { obs_status = \"Q\" }\n\n\
         [[table]]\n[table.observations]\nbelow = \"value\"\n\
         [table.dimensions.indicator]\nconstant = \"cla_starting_rate\"\n\
         [table.dimensions.ref_area]\nbelow = \"area\"\ndirection = \"left\"\n\
         [table.dimensions.time_period]\nbelow = \"year\"\ndirection = \"left\"\n\
         [table.dimensions.obs_status]\nbelow = \"status\"\ndirection = \"right\"\n",
    );
    let files = [
        (WORKS, programme(&sites(0..12, "2015-10"), &[("as_stated", -30.0), ("too_much", -60.0)])),
        ("datasets/programmes/idle.toml", programme(&sites(12..15, "2016"), &[("nothing", -5.0)])),
        (
            "datasets/programmes/one_area.toml",
            programme(&sites(15..16, "2016"), &[("fall", -30.0)]),
        ),
        (
            "datasets/programmes/one_year.toml",
            programme(&sites(16..19, "2011"), &[("fall", -30.0)]),
        ),
        ("datasets/programmes/hidden.toml", programme(&sites(19..21, "2016"), &[("fall", -30.0)])),
        (
            "datasets/programmes/redefined.toml",
            programme(&sites(21..24, "2016"), &[("fall", -30.0)]),
        ),
        (
            "datasets/programmes/shared_a.toml",
            programme(&sites(24..27, "2016"), &[("fall", -30.0)]),
        ),
        (
            "datasets/programmes/shared_b.toml",
            programme(&sites(26..29, "2018"), &[("fall", -30.0)]),
        ),
        (
            "datasets/programmes/moved.toml",
            programme(&[(MOVED, "2016"), (AREAS[30], "2016")], &[("fall", -30.0)]),
        ),
        (
            "datasets/programmes/too_early.toml",
            programme(&sites(31..34, "2009"), &[("fall", -30.0)]),
        ),
        (
            "datasets/programmes/too_late.toml",
            programme(&sites(34..37, "2030"), &[("fall", -30.0)]),
        ),
        ("datasets/programmes/falling.toml", programme(&sites(40..52, "2016"), &[("fall", -30.0)])),
    ];
    for (path, text) in files {
        mini.write(path, text);
    }
    mini.write(
        "pipelines/programmes/publish/claims.brief.md",
        "---\ntitle = \"Claims\"\nlang = \"en\"\n---\n\n```sql works\nselect percent, cells from programmes.verdicts \
         where programme = 'works' and claim = 'as_stated'\n```\n\nIt fell by {{ value works.percent | number(1) }} per cent.\n",
    );
    mini
}

fn claim<'a>(claims: &'a Value, programme: &str, claim: &str) -> &'a Value {
    let all = claims.as_array().expect("one array");
    let found = all.iter().find(|one| one["programme"] == programme && one["claim"] == claim);
    found.unwrap_or_else(|| panic!("no {programme}.{claim} in {claims:#}"))
}

#[test]
fn each_verdict_and_each_guard_has_its_case() {
    let mini = project();
    let claims = mini.json(&["evaluate"]);
    let verdict = |programme: &str, name: &str| claim(&claims, programme, name)["verdict"].clone();
    assert_eq!(verdict("works", "as_stated"), "supported");
    assert_eq!(verdict("works", "too_much"), "not supported");
    let works = claim(&claims, "works", "as_stated");
    let percent = works["percent"].as_f64().expect("a number");
    assert!((-33.0..-27.0).contains(&percent), "{works:#}");
    assert_eq!(works["evidence_level"], 3);
    assert_eq!(works["treated_areas"], 12);
    // Three areas in which nothing happened: small effects cannot be told from none.
    let idle = claim(&claims, "idle", "nothing");
    assert_ne!(idle["verdict"], "supported");
    assert!(
        idle["conf_low"].as_f64() < Some(0.0) && idle["conf_high"].as_f64() > Some(0.0),
        "{idle:#}"
    );

    mini.ok(&["run"]);
    let fired = mini.query("select programme, guard, effect from programmes.guards order by 1, 2");
    for due in [
        "one_area,one_treated,refuses",
        "one_year,one_pre_year,refuses",
        "hidden,suppressed,refuses",
        "redefined,definition_break,refuses",
        "shared_a,other_programme,refuses",
        "shared_b,other_programme,refuses",
        "moved,boundary_change,refuses",
        "too_early,start_before_panel,refuses",
        "too_late,start_after_panel,refuses",
        "falling,pretrend,refuses",
        "idle,few_treated,flags",
    ] {
        assert!(fired.lines().any(|line| line == due), "`{due}` did not fire:\n{fired}");
    }
    assert!(
        !fired.lines().any(|line| line.starts_with("works,") && line.ends_with("refuses")),
        "{fired}"
    );
    let refused = mini.query(
        "select v.programme from programmes.verdicts v join programmes.guards g using (programme) \
         where g.effect = 'refuses' and v.verdict <> 'cannot tell'",
    );
    assert_eq!(refused.trim(), "programme");
    // One treated area: a rank, and no interval.
    let one = claim(&claims, "one_area", "fall");
    assert!(
        one["p_value"].is_number() && one["conf_low"].is_null() && one["std_error"].is_null(),
        "{one:#}"
    );
}

#[test]
fn the_release_and_the_evaluation_say_the_same() {
    let mini = project();
    let before = mini.json(&["evaluate"]);
    mini.ok(&["run"]);
    assert_eq!(mini.json(&["evaluate"]), before);
    let one = mini.json(&["evaluate", "works"]);
    assert_eq!(one.as_array().map(Vec::len), Some(2));
    assert_eq!(claim(&one, "works", "as_stated"), claim(&before, "works", "as_stated"));
    let second = mini.json(&["run"]);
    assert_eq!(second["changed"], false, "nothing is made where nothing changed");
    let russian = mini.ok(&["evaluate", "works", "--lang", "ru"]);
    assert!(russian.stdout.contains("не подтверждается"), "{}", russian.stdout);
    assert!(russian.stdout.contains("уровень доказательности 3"), "{}", russian.stdout);
    mini.run(&["evaluate", "work"])
        .exits(2)
        .says(&["there is no programme `work`", "did you mean `works`?"]);
}

#[test]
fn changed_figures_flip_a_verdict_and_the_run_says_whom_it_concerns() {
    let mini = project();
    mini.ok(&["run"]);
    mini.source(FIGURES, figures(false).as_bytes());
    let told = mini.ok(&["run"]);
    told.says(&[
        "datasets/programmes/works.toml:",
        "the verdict on `works.as_stated` changed from `supported` to `not supported`",
        "briefs that rest on it: programmes/claims",
    ]);
    let history = mini.query(
        "select revision, verdict, previous_verdict, flipped from programmes.verdict_history \
         where programme = 'works' and claim = 'as_stated' order by revision",
    );
    assert_eq!(
        history.lines().skip(1).collect::<Vec<_>>(),
        ["1,supported,,false", "2,not supported,supported,true"]
    );
    // Back again: history grows, and is not rewound.
    mini.source(FIGURES, figures(true).as_bytes());
    mini.ok(&["run"]).says(&["changed from `not supported` to `supported`"]);
    let revisions = mini.query(
        "select count(*) as n from programmes.verdict_history where programme = 'works' and claim = 'as_stated'",
    );
    assert_eq!(revisions.lines().nth(1), Some("3"));
    // A run of everything anew keeps history.
    mini.ok(&["run", "--full"]);
    let revisions = mini.query("select max(revision) as n from programmes.verdict_history");
    assert_eq!(revisions.lines().nth(1), Some("3"));
}

#[test]
fn a_verdict_is_traced_to_cells_and_to_the_registry() {
    let mini = project();
    mini.ok(&["run"]);
    let traced = mini.ok(&[
        "trace",
        "programmes.verdicts",
        "--where",
        "programme=works",
        "--where",
        "claim=as_stated",
    ]);
    for text in [
        "starting.csv",
        "programmes/works.toml",
        "$.claims[0].size",
        "-30.0",
        "A page, line 2 of page.txt",
    ] {
        assert!(traced.stdout.contains(text), "`{text}` is not in\n{}", traced.stdout);
    }
}

#[test]
fn a_mistake_in_one_file_is_told_and_the_others_are_evaluated() {
    let mini = project();
    mini.edit("datasets/programmes/idle.toml", "better = \"fewer\"", "beter = \"fewer\"");
    mini.edit(WORKS, "ref_area = \"E06000001\"", "ref_area = \"E0600001\"");
    let told = mini.run(&["evaluate", "--json"]).exits(1);
    let claims = told.json();
    assert_eq!(claim(&claims, "falling", "fall")["verdict"], "cannot tell");
    assert!(claims.as_array().expect("an array").iter().all(|one| one["programme"] != "idle"));
    told.says(&[
        "datasets/programmes/idle.toml:",
        "unknown field `beter`",
        "did you mean `better`?",
        "datasets/programmes/works.toml:",
        "the site `E0600001` is no area of codelists.regions",
        "did you mean `E06000001`?",
    ]);
    mini.run(&["run"]).exits(1).says(&["nothing was published"]);
}

#[test]
fn what_a_claim_or_a_site_lacks_is_said_with_its_line() {
    let mini = project();
    mini.edit("datasets/programmes/one_area.toml", "from = \"2016\"", "from = \"May 2016\"");
    mini.edit("datasets/programmes/hidden.toml", "indicator = \"cla_starting_rate\"\n", "");
    let kpi = "\n[[kpis]]\nid = \"families\"\nname.en = \"Families\"\nunit = \"families\"\nreached = 5\nline = 3\n";
    let text = mini.read("datasets/programmes/falling.toml");
    mini.write("datasets/programmes/falling.toml", text + kpi);
    mini.run(&["evaluate"]).exits(1).says(&[
        "one_area.toml:15:8: `May 2016` is no month or year",
        "write `2017-05` or `2017`",
        "the claim `fall` names no statistic and does not say why",
        "the claim `fall` has no base: nobody says what the change is from",
        "1 of 1 KPIs have no plan",
        "`shared_b` works in Somewhere, and `shared_a` in Somewhere",
    ]);
    project().ok(&["run"]).says(&[
        "too_late.toml:12: the start of West Berkshire in 2030 lies outside the figures of `fall`",
        "no year up to the last of the figures, 2021, is treated for six months or more",
        "too_early.toml:12: the start of Thurrock in 2009",
        "it began before the first year of the figures, 2010",
    ]);
}
