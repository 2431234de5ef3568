//! Messages of the different versions, and messages as they should not be.

use crate::grid::{Grid, Workbook};
use crate::open::open;

/// Opens a message; every cell must be found again at its own address.
fn read(text: &str) -> Workbook {
    let workbook = open("a.xml", text.as_bytes()).unwrap();
    for grid in &workbook.sheets {
        let mut seen = std::collections::HashSet::new();
        for cell in grid.cells() {
            let address = grid.address(cell.row, cell.column);
            assert_eq!(grid.at(&address), Some(cell), "{address}");
            assert!(seen.insert(address.clone()), "{address} twice");
        }
    }
    workbook
}

fn rows(grid: &Grid) -> Vec<String> {
    let last = grid.cells().last().map_or(0, |cell| cell.row);
    let texts = |row| grid.row(row).iter().map(|cell| cell.text()).collect::<Vec<_>>().join(" | ");
    (0..=last).map(texts).collect()
}

fn refused(text: &str) -> String {
    open("a.xml", text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn generic_1_0_with_inline_code_lists() {
    let workbook = read(
        r#"<?xml version="1.0"?><GenericData xmlns:g="g" xmlns:s="s"><Header><ID>1</ID></Header>
        <CodeLists><s:CodeList id="area"><s:Name xml:lang="ru">Область</s:Name>
        <s:Code value="1"><s:Description xml:lang="ru">Псков &lt;b&gt;</s:Description></s:Code>
        <s:Code value="2"><s:Description xml:lang="ru">Тверь</s:Description></s:Code></s:CodeList></CodeLists>
        <Description><Indicator id="9" name="N"/></Description>
        <DataSet><g:Series><g:SeriesKey><g:Value concept="area" value="1"/></g:SeriesKey>
        <g:Attributes><g:Value concept="EI" value="человек"/></g:Attributes>
        <g:Obs><g:Time>2010</g:Time><g:ObsValue value="1,5"/></g:Obs></g:Series>
        <g:Series><g:SeriesKey><g:Value concept="area" value="2"/></g:SeriesKey>
        <g:Obs><g:Time>2010</g:Time><g:ObsValue value=""/></g:Obs></g:Series></DataSet></GenericData>"#,
    );
    let grid = workbook.sheet(None).unwrap();
    assert_eq!(
        rows(grid),
        [
            "area | area label | EI | TIME_PERIOD | OBS_VALUE",
            "1 | Псков <b> | человек | 2010 | 1,5",
            "2 | Тверь | 2010",
        ]
    );
    assert_eq!(grid.address(1, 4), "/GenericData/DataSet/Series[1]/Obs[1]/ObsValue/@value");
    assert_eq!(
        grid.address(2, 1),
        "/GenericData/CodeLists/CodeList/Code[@value=/GenericData/DataSet/Series[2]/Obs[1]/../\
         SeriesKey/Value[@concept='area']/@value]/Description[@xml:lang='ru']"
    );
    assert_eq!(rows(workbook.sheet(Some("area")).unwrap())[2], "2 | Тверь");
    assert_eq!(
        rows(workbook.sheet(Some("description")).unwrap())[1],
        "Description/Indicator | 9 | N"
    );
    assert!(workbook.sheet(Some("header")).is_some());
}

#[test]
fn structure_specific_2_1_in_series_with_groups_and_flat() {
    let head = r#"<m:StructureSpecificData xmlns:m="m" xmlns:xsi="x"><m:Header>
        <m:Structure structureID="S" dimensionAtObservation="TIME_PERIOD"/></m:Header>"#;
    let workbook = read(&format!(
        r#"{head}<m:DataSet xsi:type="a" action="Append" SOURCE="census">
        <Group xsi:type="n:Sibling" AREA="1" TITLE="One"/><Group xsi:type="n:Sibling" AREA="3" TITLE="Three"/>
        <Series AREA="1" FREQ="A"><Obs TIME_PERIOD="2010" OBS_VALUE="NaN" OBS_STATUS="M"/>
        <Obs TIME_PERIOD="2011" OBS_VALUE="2"/></Series>
        <Series AREA="2" FREQ="A"/></m:DataSet>
        <m:DataSet><Obs AREA="1" TIME_PERIOD="2010" OBS_VALUE="7"/><Obs AREA="2" TIME_PERIOD="2011"/></m:DataSet>
        </m:StructureSpecificData>"#
    ));
    let first = workbook.sheet(Some("dataset 1")).unwrap();
    let found = rows(first);
    assert_eq!(
        found[0],
        "AREA | FREQ | TIME_PERIOD | OBS_VALUE | OBS_STATUS | xsi:type | AREA | TITLE | SOURCE"
    );
    assert_eq!(found.len(), 5);
    assert!(
        found.contains(&"1 | A | 2010 | NaN | M | n:Sibling | 1 | One | census".to_owned()),
        "{found:?}"
    );
    assert!(found.contains(&"2 | A | census".to_owned()), "{found:?}");
    assert!(found.contains(&"n:Sibling | 3 | Three | census".to_owned()), "{found:?}");
    let second = workbook.sheet(Some("dataset 2")).unwrap();
    assert_eq!(rows(second)[1..], ["1 | 2010 | 7", "2 | 2011"]);
    assert_eq!(second.address(2, 0), "/StructureSpecificData/DataSet[2]/Obs[2]/@AREA");
}

#[test]
fn groups_whose_keys_all_meet_a_series_are_columns() {
    let workbook = read(
        r#"<CompactData xmlns:n="n"><DataSet><n:SiblingGroup AREA="1" TITLE="One"/>
        <n:Series AREA="1" FREQ="A"><n:Obs TIME_PERIOD="2010" OBS_VALUE="1"/></n:Series>
        <n:Series AREA="1" FREQ="Q"><n:Obs TIME_PERIOD="2010" OBS_VALUE="2"/></n:Series>
        </DataSet></CompactData>"#,
    );
    let grid = workbook.sheet(None).unwrap();
    let expected = [
        "AREA | FREQ | TIME_PERIOD | OBS_VALUE | TITLE",
        "1 | A | 2010 | 1 | One",
        "1 | Q | 2010 | 2 | One",
    ];
    assert_eq!(rows(grid), expected);
    assert_eq!(
        grid.address(2, 4),
        "/CompactData/DataSet/Series[2]/Obs[1]/../../SiblingGroup/@TITLE"
    );
}

#[test]
fn cross_sectional_and_generic_all_dimensions() {
    let cross = read(
        r#"<CrossSectionalData><DataSet><Group TIME="2010"><Section AREA="1"><BIRTHS value="3" U="P"/>
        <DEATHS value="4"/></Section></Group></DataSet></CrossSectionalData>"#,
    );
    let grid = cross.sheet(None).unwrap();
    assert_eq!(
        rows(grid),
        ["TIME | AREA | MEASURE | value | U", "2010 | 1 | BIRTHS | 3 | P", "2010 | 1 | DEATHS | 4"]
    );
    let flat = read(
        r#"<m:GenericData xmlns:m="m" xmlns:g="g"><m:DataSet><g:Obs><g:ObsKey><g:Value id="AREA" value="1"/>
        <g:Value id="TIME_PERIOD" value="2010"/></g:ObsKey><g:ObsValue value="5"/><g:Attributes>
        <g:Value id="OBS_STATUS" value="e"/></g:Attributes></g:Obs></m:DataSet></m:GenericData>"#,
    );
    let grid = flat.sheet(None).unwrap();
    assert_eq!(rows(grid), ["AREA | TIME_PERIOD | OBS_VALUE | OBS_STATUS", "1 | 2010 | 5 | e"]);
    assert_eq!(grid.address(1, 0), "/GenericData/DataSet/Obs[1]/ObsKey/Value[@id='AREA']/@value");
}

#[test]
fn encodings_are_taken_from_mark_or_declaration() {
    let body = r#"<GenericData><DataSet><Series><SeriesKey><Value id="A" value="год"/></SeriesKey><Obs><Time>1</Time></Obs></Series></DataSet></GenericData>"#;
    let declared = format!("<?xml version='1.0' encoding='windows-1251'?>{body}");
    let narrow = encoding_rs::WINDOWS_1251.encode(&declared).0.into_owned();
    let mut wide = vec![0xFF, 0xFE];
    wide.extend(
        format!("<?xml version='1.0' encoding='utf-16'?>{body}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes),
    );
    for bytes in [narrow, wide] {
        let workbook = open("a.xml", &bytes).unwrap();
        assert_eq!(workbook.sheet(None).unwrap().get(1, 0).unwrap().text(), "год");
    }
}

#[test]
fn entities_depth_and_damage_are_problems() {
    let entities = r#"<?xml version="1.0"?><!DOCTYPE GenericData [<!ENTITY a "b">]><GenericData>&a;</GenericData>"#;
    assert!(refused(entities).contains("declares entities"));
    assert!(
        refused("<GenericData><Header><ID>&nbsp;</ID></Header></GenericData>").contains("`&nbsp;`")
    );
    let deep = format!("<GenericData><Header>{}", "<a>".repeat(100_000));
    assert!(refused(&deep).contains("nested more than"));
    assert!(refused("<GenericData>\n<Header></ID>").contains("a.xml:2"));
    assert!(refused("<GenericData><Header></GenericData>").contains("damaged"));
    assert!(refused("<?xml version='1.0'?><rss></rss>").contains("its root is `rss`"));
    assert!(refused("<GenericData></GenericData>").contains("holds nothing"));
}

#[test]
fn tags_and_texts_may_be_written_in_unusual_ways() {
    let usual = r#"<GenericData><DataSet><Series><SeriesKey><Value concept="A" value="a &lt; b"/>
        <Value concept="B" value="c"/></SeriesKey><Obs><Time>2010</Time><ObsValue value="1"/></Obs>
        <Obs><Time>2011</Time><ObsValue value="2"/></Obs></Series></DataSet></GenericData>"#;
    let unusual = r#"<?xml version="1.0"?><!DOCTYPE GenericData><!-- > --><GenericData ><DataSet
        ><?note <Series>?><Series><SeriesKey><Value xmlns:x="y" value = 'a &#60; b' concept= "A" ></Value>
        <Value value='c'concept='B'/></SeriesKey ><Obs><!--<Time>1</Time>--><Time>20<![CDATA[10]]></Time>
        <ObsValue value="1"></ObsValue></Obs><Obs><Time>&#x32;01<!-- -->1</Time
        ><ObsValue value="2"/></Obs></Series></DataSet></GenericData><!-- end -->"#;
    let (usual, unusual) = (read(usual), read(unusual));
    let (usual, unusual) = (usual.sheet(None).unwrap(), unusual.sheet(None).unwrap());
    assert_eq!(rows(usual)[1..], ["a < b | c | 2010 | 1", "a < b | c | 2011 | 2"]);
    assert_eq!(usual.cells(), unusual.cells());
    for damaged in [
        "<GenericData><DataSet a='1' b></DataSet></GenericData>",
        "<GenericData><DataSet a=1></DataSet></GenericData>",
        "<GenericData><DataSet a='1></DataSet></GenericData>",
        "<GenericData><DataSet></Dataset></GenericData>",
        "<GenericData><DataSet></DataSet></GenericData></GenericData>",
        "<GenericData><DataSet></DataSet></GenericData",
        "<GenericData><!-- <DataSet></DataSet></GenericData>",
        "<GenericData><Header><ID>a & b</ID></Header></GenericData>",
    ] {
        assert!(refused(damaged).contains("damaged"), "{damaged}");
    }
}

#[test]
fn a_series_that_would_blow_up_is_refused() {
    let attributes: String = (0..2000).map(|n| format!(" A{n}='1'")).collect();
    let text = format!(
        "<CompactData><DataSet><Series{attributes}>{}</Series></DataSet></CompactData>",
        "<Obs/>".repeat(20_000)
    );
    assert!(refused(&text).contains("too many to hold"));
}

#[test]
fn messages_cut_or_damaged_anywhere_never_panic() {
    let text = r#"<m:GenericData xmlns:m="m"><m:Header><m:ID>1</m:ID></m:Header><m:DataSet><g:Group type="x"><g:GroupKey>
        <g:Value id="A" value="1"/></g:GroupKey></g:Group><g:Series><g:SeriesKey><g:Value id="A" value="1"/>
        </g:SeriesKey><g:Obs><g:ObsDimension value="2010"/><g:ObsValue value="5"/></g:Obs></g:Series></m:DataSet>
        </m:GenericData>"#;
    for at in 0..text.len() {
        let _ = open("a.xml", &text.as_bytes()[..at]);
        for byte in *b"<>\"&/ \0" {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = byte;
            if let Ok(workbook) = open("a.xml", &bytes) {
                for grid in &workbook.sheets {
                    for cell in grid.cells() {
                        let _ = grid.address(cell.row, cell.column);
                    }
                }
            }
        }
    }
}

#[test]
fn sdmx_json_in_series_with_attributes() {
    let text = r#"{"meta":{"id":"x"},"data":{"structures":[{"dimensions":{"dataSet":[{"id":"FREQ","values":[{"id":"A","name":"Annual"}]}],
        "series":[{"id":"AREA","values":[{"id":"1","names":{"en":"One"}},{"id":"2","names":{"en":"Two"}}]}],
        "observation":[{"id":"TIME_PERIOD","values":[{"value":"2010"},{"value":"2011"}]}]},
        "attributes":{"dataSet":[{"id":"SRC"}],"series":[{"id":"UNIT","values":[{"id":"P","name":"Persons"}]}],
        "observation":[{"id":"OBS_STATUS","values":[{"id":"A"},{"id":"E"}]},{"id":"NOTE"}]},
        "measures":{"observation":[{"id":"OBS_VALUE"}]}}],
        "dataSets":[{"structure":0,"attributes":["census"],"series":{
        "0":{"attributes":[0],"observations":{"0":[1.5,0],"1":[null,1,"seen"]}},"1":{"observations":{}}}}]}}"#;
    let workbook = read(text);
    let grid = workbook.sheet(None).unwrap();
    assert_eq!(
        rows(grid),
        [
            "FREQ | FREQ label | AREA | AREA label | TIME_PERIOD | OBS_VALUE | OBS_STATUS | NOTE | UNIT | UNIT label | SRC",
            "A | Annual | 1 | One | 2010 | 1.5 | A | P | Persons | census",
            "A | Annual | 1 | One | 2011 | E | seen | P | Persons | census",
            "A | Annual | 2 | Two | census",
        ]
    );
    assert_eq!(
        grid.address(1, 5),
        "$['data']['dataSets'][0]['series']['0']['observations']['0'][0]"
    );
    let broken = text.replace("\"1\":[null", "\"7\":[null");
    assert!(refused(&broken).contains("`7` in the key `0`"));
    assert!(refused(&text.replace("[1.5,0]", "[1.5,9]")).contains("OBS_STATUS"));
}
