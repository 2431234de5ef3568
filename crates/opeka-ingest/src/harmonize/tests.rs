use super::*;

const STRICT: Threshold = Threshold { score: 0.9, margin: 0.1 };

fn regions() -> Codelist {
    let rows = [
        "RU-ALT,Altai krai,Алтайский край,",
        "RU-AL,Altai Republic,Республика Алтай,Republic of Altai",
        "RU-ORL,Oryol oblast,Орловская область,",
        "RU-ORE,Orenburg oblast,Оренбургская область,",
        "RU-TYU,Tyumen oblast,Тюменская область,",
        "RU-TYU-X,Tyumen oblast without okrugs,Тюменская область без автономных округов,\
         Тюменская область (кроме Ханты-Мансийского автономного округа-Югры)",
        "RU-MOW,Moscow,Москва,г. Москва",
        "RU-MOS,Moscow oblast,Московская область,",
        "RU-KB,Kabardino-Balkar Republic,Кабардино-Балкарская Республика,",
        "RU-KC,Karachay-Cherkess Republic,Карачаево-Черкесская Республика,",
        "RU-YAN,Yamalo-Nenets autonomous okrug,Ямало-Ненецкий автономный округ,",
        "RU-NEN,Nenets autonomous okrug,Ненецкий автономный округ,",
        "RU-SE,Republic of North Ossetia,Республика Северная Осетия - Алания,",
        "E1,Bristol,,Bristol City of",
        "E2,North Yorkshire,,",
        "E3,South Yorkshire,,",
        "E4,West Yorkshire,,",
        "E5,North Lincolnshire,,",
        "E6,North East Lincolnshire,,",
        "E7,Derby,,",
        "E8,Derbyshire,,",
        "E9,Durham,,County Durham",
        "E10,Telford and Wrekin,,",
        "E11,Stockton-on-Tees,,",
        "E12,Nottingham,,",
        "E13,Nottinghamshire,,",
        "E14,Dorset,,Dorset (Pre LG)",
        "E15,\"Kingston upon Hull, City of\",,",
    ];
    let text = format!("code,name_en,name_ru,aliases\n{}\n", rows.join("\n"));
    Codelist::read("regions", &[("regions.csv".into(), text)]).unwrap()
}

#[test]
fn the_same_area_written_otherwise_is_accepted() {
    let list = regions();
    for (label, code) in [
        ("Орловская обл.", "RU-ORL"),
        ("ОРЛОВСКАЯ  ОБЛ", "RU-ORL"),
        ("Орловскя область", "RU-ORL"),
        ("Алтай, Республика", "RU-AL"),
        ("Респ. Алтай", "RU-AL"),
        ("Алтайский кр. край", "RU-ALT"),
        ("город Москва", "RU-MOW"),
        ("Кабардино-Балкарская респ.", "RU-KB"),
        ("Ямало-Ненецкий АО", "RU-YAN"),
        ("Ямало–Ненецкий авт. округ", "RU-YAN"),
        ("Республика Северная Осетия–Алания", "RU-SE"),
        ("City of Bristol", "E1"),
        ("Bristol UA", "E1"),
        ("Telford & Wrekin", "E10"),
        ("Stockton on Tees", "E11"),
        ("Derby City", "E7"),
        ("Derbyshire County Council", "E8"),
        ("Durham County", "E9"),
        ("North East Lincolnshire UA", "E6"),
        ("City of Kingston upon Hull", "E15"),
    ] {
        let found = candidates(&list, label, 5);
        let accepted = accept(&found, Threshold { score: 0.85, ..STRICT });
        assert_eq!(accepted.map(|c| c.code.as_str()), Ok(code), "{label}: {found:?}");
    }
}

#[test]
fn another_area_is_never_accepted_however_alike_it_is_written() {
    let list = regions();
    let loose = Threshold { score: 0.5, margin: 0.0 };
    for (label, never) in [
        ("Тюменская область без АО", "RU-TYU"),
        ("Тюменская область (кроме округов)", "RU-TYU"),
        ("Тюменская обл. без автономных округов и с ними", "RU-TYU"),
        ("Тюменская область в том числе округа", "RU-TYU"),
        ("Тюменская область в том числе округа", "RU-TYU-X"),
        ("Тюменская обл", "RU-TYU-X"),
        ("Altai Krai", "RU-AL"),
        ("Altai Republic region", "RU-ALT"),
        ("Алтайская Республика", "RU-ALT"),
        ("South Lincolnshire", "E5"),
        ("East Yorkshire", "E4"),
        ("Yorkshire", "E2"),
        ("Northeast Lincolnshire", "E5"),
        ("Московская область", "RU-MOW"),
        ("г. Московский", "RU-MOS"),
        ("Dorset 2", "E14"),
        ("Dorset (Post LG)", "E14"),
        ("Orel oblast excluding the city", "RU-ORL"),
        ("Тюменская область, городское население", "RU-TYU"),
    ] {
        let found = candidates(&list, label, 8);
        if let Ok(accepted) = accept(&found, loose) {
            assert_ne!(accepted.code, never, "{label}: {found:?}");
        }
    }
}

#[test]
fn close_calls_are_refused_with_their_reason() {
    let list = regions();
    let refusal = |label: &str| accept(&candidates(&list, label, 5), STRICT).cloned().unwrap_err();
    assert!(matches!(
        refusal("Тюменская область, кроме города"),
        Refusal::Differs(_) | Refusal::Low(_) | Refusal::Close { .. }
    ));
    assert!(matches!(refusal("Xanadu"), Refusal::Nothing | Refusal::Low(_)));
    // Two names that are equally near, and nothing tells which.
    assert!(matches!(
        refusal("Or..бургская"),
        Refusal::Nothing | Refusal::Low(_) | Refusal::Close { .. }
    ));
    let second = Candidate { code: "B".into(), name: "b".into(), score: 0.95, differs: None };
    let first = Candidate { code: "A".into(), name: "a".into(), score: 1.0, differs: None };
    let close = accept(&[first, second], STRICT).cloned();
    assert!(matches!(close, Err(Refusal::Close { .. })));
}

#[test]
fn a_rival_is_not_lost_behind_names_that_differ() {
    let text = "code,name_en\nA,Leeds\nB,Leeds 1\nC,Leeds 2\nD,Leedz\n";
    let list = Codelist::read("regions", &[("r.csv".into(), text.into())]).unwrap();
    for most in 2..5 {
        let found = candidates(&list, "Leeds", most);
        assert_eq!(found.len(), most);
        assert!(matches!(accept(&found, STRICT), Err(Refusal::Close { .. })), "{found:?}");
    }
    assert_eq!(candidates(&list, "Leeds", 1)[0].code, "A");
}

#[test]
fn a_heading_that_stands_again_is_no_area() {
    let codelists = [("regions".to_owned(), regions())].into();
    let text = "Area,2019\nDerby,1\nAtlantis,2\nArea,2020\nDerby,1\nXanadu,2\n";
    let workbook = crate::open("a.csv", text.as_bytes()).unwrap();
    let found = unmatched_in_column(&workbook, "area", &codelists);
    let found: Vec<(&str, &str)> = found.iter().map(|u| (&*u.label, &*u.place)).collect();
    assert_eq!(found, [("Atlantis", "a.csv · R3C1"), ("Xanadu", "a.csv · R6C1")]);
}

#[test]
fn answers_are_kept_and_read_back() {
    let mut map = AreaMap::default();
    map.answers.insert("Орловская обл.".into(), Answer::accepted("RU-ORL".into(), 0.97));
    map.answers.insert("a \"quoted\" name".into(), Answer::asked(Some("E1".into()), None));
    map.answers.insert("King's \"Lynn\"\\".into(), Answer::asked(None, None));
    map.answers.insert("Total".into(), Answer::asked(None, None));
    let text = map.write();
    assert_eq!(AreaMap::read("x.areas.map.toml", &text).unwrap(), map);
    assert_eq!(map.codes()["Total"], None);
    let short = AreaMap::read("x", "\"Leeds \" = \"E08000035\"\n").unwrap();
    assert_eq!(short.answers["Leeds "].code.as_deref(), Some("E08000035"));
    assert!(AreaMap::read("x", "a = 1\n").is_err());
}
