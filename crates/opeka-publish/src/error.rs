//! What cannot be rendered at all.

use thiserror::Error;

/// Bytes that cannot be turned into the wanted form. What is wrong in a declared file or in its
/// rows is an [`opeka_model::Problem`] instead.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The text is not an SVG that the rasterizer reads.
    #[error("this SVG cannot be read: {message}")]
    Svg {
        /// What the reader said.
        message: String,
    },
    /// The picture would be empty, or larger than any printer asks for.
    #[error("a picture of {width} by {height} pixels cannot be made")]
    Size {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The pixels could not be written as PNG.
    #[error("the picture cannot be encoded: {message}")]
    Png {
        /// What the encoder said.
        message: String,
    },
    /// The notebook could not be written as JSON.
    #[error("the notebook cannot be written")]
    Json(#[from] serde_json::Error),
}
