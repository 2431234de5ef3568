//! The two languages of a publication and the fixed phrases of each.

use std::fmt;
use std::str::FromStr;

/// A language of publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lang {
    /// English.
    En,
    /// Russian.
    Ru,
}

impl Lang {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 2] = [Self::En, Self::Ru];

    /// The ISO 639-1 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ru => "ru",
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Lang {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "en" => Ok(Self::En),
            "ru" => Ok(Self::Ru),
            other => Err(format!("`{other}` is not a language of publication; known: en, ru")),
        }
    }
}

/// Phrases that the program itself writes. No sentence here depends on a count, so that no plural
/// form is ever wrong.
pub(crate) struct Words {
    pub(crate) no_data: &'static str,
    pub(crate) no_figure: &'static str,
    pub(crate) others: &'static str,
    pub(crate) line_chart: &'static str,
    pub(crate) cells: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) figure: &'static str,
    pub(crate) table: &'static str,
    pub(crate) chart_data: &'static str,
    pub(crate) series: &'static str,
    pub(crate) period: &'static str,
    pub(crate) value: &'static str,
    pub(crate) trace_title: &'static str,
    pub(crate) trace_intro: &'static str,
    pub(crate) query: &'static str,
    pub(crate) metrics: &'static str,
    pub(crate) line: &'static str,
    pub(crate) back: &'static str,
    pub(crate) file: &'static str,
    pub(crate) sheet: &'static str,
    pub(crate) cell: &'static str,
    pub(crate) cell_text: &'static str,
    pub(crate) read_as: &'static str,
    pub(crate) status: &'static str,
    pub(crate) mark_and_note: &'static str,
    pub(crate) sources: &'static str,
    pub(crate) licence: &'static str,
    pub(crate) accessed: &'static str,
    pub(crate) checksum: &'static str,
    pub(crate) made_from: &'static str,
}

const EN: Words = Words {
    no_data: "No data",
    no_figure: "no figure",
    others: "Other series",
    line_chart: "Line chart",
    cells: "Cells",
    skip: "Skip to the text",
    figure: "Figure",
    table: "Table",
    chart_data: "The figures of this chart",
    series: "Series",
    period: "Period",
    value: "Value",
    trace_title: "Where each number comes from",
    trace_intro: "Every number above is a link. It leads to its entry here: the query and the \
                  metrics behind the number, and the cells from which it was computed, as they \
                  stand in the files that this project keeps; the sources say how each file \
                  was made.",
    query: "query",
    metrics: "metrics",
    line: "line of the brief",
    back: "Back to the text",
    file: "File",
    sheet: "Sheet",
    cell: "Cell",
    cell_text: "Text of the cell",
    read_as: "Read as",
    status: "Status",
    mark_and_note: "Mark and note",
    sources: "Sources",
    licence: "Licence",
    accessed: "Accessed",
    checksum: "SHA-256",
    made_from: "This document is generated from data: its numbers cannot be edited by hand.",
};

const RU: Words = Words {
    no_data: "Нет данных",
    no_figure: "нет данных",
    others: "Прочие ряды",
    line_chart: "Линейный график",
    cells: "Ячейки",
    skip: "Перейти к тексту",
    figure: "Рисунок",
    table: "Таблица",
    chart_data: "Данные этого рисунка",
    series: "Ряд",
    period: "Период",
    value: "Значение",
    trace_title: "Откуда взято каждое число",
    trace_intro: "Каждое число в тексте — ссылка. Она ведёт сюда: к запросу и показателям, из \
                  которых число получено, и к ячейкам, по которым оно вычислено, — в том виде, \
                  в каком они стоят в файлах проекта; как сделан каждый файл, сказано в \
                  источниках.",
    query: "запрос",
    metrics: "показатели",
    line: "строка обзора",
    back: "Назад к тексту",
    file: "Файл",
    sheet: "Лист",
    cell: "Ячейка",
    cell_text: "Текст ячейки",
    read_as: "Прочитано как",
    status: "Статус",
    mark_and_note: "Знак и примечание",
    sources: "Источники",
    licence: "Лицензия",
    accessed: "Дата обращения",
    checksum: "SHA-256",
    made_from: "Документ построен по данным: его числа нельзя исправить вручную.",
};

impl Lang {
    /// The fixed phrases of the language.
    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::En => &EN,
            Self::Ru => &RU,
        }
    }
}
