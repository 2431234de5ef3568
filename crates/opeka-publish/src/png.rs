//! A picture of an SVG, with the font that it was measured with.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::PublishError;

/// Only the fonts that come with the program: a system's fonts differ from machine to machine.
static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(notosans::REGULAR_TTF.to_vec());
    fonts.load_font_data(notosans::BOLD_TTF.to_vec());
    fonts.set_sans_serif_family("Noto Sans");
    Arc::new(fonts)
});

/// More pixels across than any printed page needs.
const WIDEST: u32 = 12_000;

/// The picture as PNG, `width` pixels across, on white.
pub fn svg_to_png(svg: &str, width: u32) -> Result<Vec<u8>, PublishError> {
    let options = Options {
        fontdb: Arc::clone(&FONTS),
        font_family: "Noto Sans".to_owned(),
        ..Options::default()
    };
    let tree = Tree::from_str(svg, &options)
        .map_err(|error| PublishError::Svg { message: error.to_string() })?;
    let scale = width as f32 / tree.size().width();
    let height = libm::ceilf(tree.size().height() * scale) as u32;
    let size = PublishError::Size { width, height };
    if width == 0 || width > WIDEST || height > WIDEST {
        return Err(size);
    }
    let Some(mut pixels) = Pixmap::new(width, height) else {
        return Err(size);
    };
    pixels.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| PublishError::Png { message: error.to_string() })
}
