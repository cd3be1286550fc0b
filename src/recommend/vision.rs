//! Vision towers: their parameters, their work, and how many tokens an image becomes.

use serde::Deserialize;

use super::RecommendError;
use super::reader::{bounded, needed};

/// A tower that turns images into tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Vision {
    pub parameters: u64,
    /// Parameters that each patch passes.
    pub patch_parameters: u64,
    /// Patches that the tower reads per token it yields.
    pub patches_per_token: f64,
    pub tokens: Tokens,
}

/// How many tokens an image becomes, by family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// The same for every image: LLaVA-1.5 (24² patches of 336 pixels), Gemma 3 (64² patches pooled to 16²).
    Fixed(u64),
    /// A token per square of `side` pixels, after both sides are rounded to it; scaled to stay within `min..=max`
    /// squares. Qwen2-VL's `smart_resize` in its image processor, with the start and the end mark.
    Squares { side: u64, min: u64, max: u64 },
    /// Tiles of 448 pixels in the grid nearest to the image's shape, at most 12, and a thumbnail where there are several;
    /// 256 tokens each and two marks. `dynamic_preprocess` of `InternVL` 1.5 and later.
    Tiles,
    /// A token per patch of 16 pixels and one per row, after the longer side is shrunk to 1024. Pixtral 12B (Mistral AI,
    /// 2024), section 2.
    Rows,
    /// Crops of 336 pixels, at most 16, each 144 tokens, row ends, a whole view and a mark. `HD_transform` and
    /// `calc_num_image_tokens` of Phi-3.5-vision's processor.
    Crops,
}

impl Tokens {
    /// Tokens of an image of this many pixels.
    pub fn of(self, width: u32, height: u32) -> u64 {
        let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
        match self {
            Self::Fixed(tokens) => tokens,
            Self::Squares { side, min, max } => {
                squares(width, height, side as f64, min as f64, max as f64) + 2
            }
            Self::Tiles => {
                let tiles = tiles(width / height, width * height);
                256 * (tiles + u64::from(tiles > 1)) + 2
            }
            Self::Rows => {
                let shrink = (width.max(height) / 1024.0).max(1.0);
                let patches = |pixels: f64| ((pixels / shrink).floor().max(1.0) / 16.0).ceil();
                let (columns, rows) = (patches(width), patches(height));
                (rows * (columns + 1.0)) as u64
            }
            Self::Crops => crops(width, height),
        }
    }
}

fn squares(width: f64, height: f64, side: f64, min: f64, max: f64) -> u64 {
    let (columns, rows) = ((width / side).round().max(1.0), (height / side).round().max(1.0));
    let pixels = |squares: f64| squares * side * side;
    if columns * rows > max {
        let shrink = (width * height / pixels(max)).sqrt();
        let fit = |length: f64| (length / shrink / side).floor().max(1.0);
        (fit(width) * fit(height)) as u64
    } else if columns * rows < min {
        let grow = (pixels(min) / (width * height)).sqrt();
        let fit = |length: f64| (length * grow / side).ceil();
        (fit(width) * fit(height)) as u64
    } else {
        (columns * rows) as u64
    }
}

/// The grid of at most 12 tiles whose shape is nearest; of two as near, the larger one where the image fills half of it.
fn tiles(ratio: f64, area: f64) -> u64 {
    let mut grids: Vec<(u64, u64)> = (1..=12_u64)
        .flat_map(|columns| (1..=12_u64).map(move |rows| (columns, rows)))
        .filter(|(columns, rows)| columns * rows <= 12)
        .collect();
    grids.sort_by_key(|(columns, rows)| columns * rows);
    let mut best = (f64::INFINITY, 1);
    for (columns, rows) in grids {
        let apart = (ratio - columns as f64 / rows as f64).abs();
        let count = columns * rows;
        let fills = area > 0.5 * 448.0 * 448.0 * count as f64;
        if apart < best.0 || (apart <= best.0 && fills) {
            best = (apart, count);
        }
    }
    best.1
}

fn crops(width: f64, height: f64) -> u64 {
    let ratio = width.max(height) / width.min(height);
    // As many crops along the longer side as 16 in all allow.
    let long =
        (1..=16_u64).rev().find(|long| *long as f64 * (*long as f64 / ratio).ceil() <= 16.0).unwrap_or(1);
    let long_pixels = long as f64 * 336.0;
    let short = ((long_pixels / ratio) / 336.0).ceil().max(1.0);
    let (columns, rows) = if width >= height { (long as f64, short) } else { (short, long as f64) };
    ((columns * rows + 1.0) * 144.0 + 1.0 + (rows + 1.0) * 12.0) as u64
}

/// `vision_config`, as far as it is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawVision {
    model_type: Option<String>,
    #[serde(alias = "num_hidden_layers")]
    depth: Option<u64>,
    embed_dim: Option<u64>,
    hidden_size: Option<u64>,
    out_hidden_size: Option<u64>,
    intermediate_size: Option<u64>,
    mlp_ratio: Option<f64>,
    patch_size: Option<u64>,
    image_size: Option<u64>,
}

/// The tower of a model of this type, if it has one. `hidden` is the language model's width.
pub(super) fn read(
    model_type: &str,
    raw: Option<&RawVision>,
    hidden: u64,
) -> Result<Option<Vision>, RecommendError> {
    let clip = RawVision {
        depth: Some(24),
        hidden_size: Some(1024),
        intermediate_size: Some(4096),
        patch_size: Some(14),
        image_size: Some(336),
        ..RawVision::default()
    };
    Ok(match (model_type, raw) {
        ("qwen2_vl" | "qwen2_5_vl", Some(raw)) => Some(qwen(raw, hidden)?),
        ("phi3_v", _) => {
            let projector = 4 * 1024 * hidden + hidden + hidden * hidden + hidden + 2 * 4096;
            Some(tower(&clip, Kind::Clip, projector, 4.0, Tokens::Crops)?)
        }
        (_, None) => None,
        ("llava" | "mistral3", Some(raw)) if raw.model_type.as_deref() == Some("pixtral") => {
            let width = needed("vision_config.hidden_size", raw.hidden_size)?;
            let projector = width * hidden + hidden + hidden * hidden + hidden;
            Some(tower(raw, Kind::Rotary, projector, 1.0, Tokens::Rows)?)
        }
        ("llava", Some(raw)) => {
            let width = needed("vision_config.hidden_size", raw.hidden_size)?;
            let side = bounded("vision_config.image_size", raw.image_size)?.unwrap_or(336)
                / bounded("vision_config.patch_size", raw.patch_size)?.unwrap_or(14);
            let projector = width * hidden + hidden + hidden * hidden + hidden;
            Some(tower(raw, Kind::Clip, projector, 1.0, Tokens::Fixed(side * side))?)
        }
        ("gemma3", Some(raw)) => {
            let width = needed("vision_config.hidden_size", raw.hidden_size)?;
            Some(tower(raw, Kind::Siglip, width * hidden + width, 16.0, Tokens::Fixed(256))?)
        }
        ("internvl_chat" | "internvl", Some(raw)) => {
            let merged = 4 * needed("vision_config.hidden_size", raw.hidden_size)?;
            let projector = 2 * merged + merged * hidden + hidden + hidden * hidden + hidden;
            Some(tower(raw, Kind::Intern, projector, 4.0, Tokens::Tiles)?)
        }
        (other, Some(_)) => {
            return Err(RecommendError::Config {
                problem: format!(
                    "how '{other}' turns images into tokens is not known; delete vision_config to size its text alone"
                ),
            });
        }
    })
}

/// Qwen2-VL and Qwen2.5-VL: blocks of their own, and a merger of four patches to one token.
fn qwen(raw: &RawVision, hidden: u64) -> Result<Vision, RecommendError> {
    let depth = needed("vision_config.depth", raw.depth)?;
    // Qwen2-VL calls the tower's width `embed_dim` and gates nothing; Qwen2.5-VL calls it `hidden_size`.
    let (width, gated) = match raw.embed_dim {
        Some(width) => (needed("vision_config.embed_dim", Some(width))?, false),
        None => (needed("vision_config.hidden_size", raw.hidden_size)?, true),
    };
    let ratio = (width as f64 * raw.mlp_ratio.unwrap_or(4.0)) as u64;
    let inner = needed("vision_config.intermediate_size", raw.intermediate_size.or(Some(ratio)))?;
    let out = bounded("vision_config.out_hidden_size", raw.out_hidden_size)?.unwrap_or(hidden);
    let patch = bounded("vision_config.patch_size", raw.patch_size)?.unwrap_or(14);
    let attention = 4 * width * width + 4 * width;
    let (mlp, norm) = if gated {
        (3 * width * inner + 2 * inner + width, width)
    } else {
        (2 * width * inner + inner + width, 2 * width)
    };
    let blocks = depth * (attention + mlp + 2 * norm);
    let merged = 4 * width;
    let projector = norm + merged * merged + merged + merged * out + out;
    Ok(Vision {
        parameters: blocks + 3 * 2 * patch * patch * width + projector,
        patch_parameters: blocks + projector / 4,
        patches_per_token: 4.0,
        // The processors' defaults: 4 to 16,384 squares of 28 pixels.
        tokens: Tokens::Squares { side: 2 * patch, min: 4, max: 16_384 },
    })
}

/// What sets towers apart beside their numbers.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Clip,
    Siglip,
    Intern,
    Rotary,
}

fn tower(
    raw: &RawVision,
    kind: Kind,
    projector: u64,
    patches_per_token: f64,
    tokens: Tokens,
) -> Result<Vision, RecommendError> {
    let depth = needed("vision_config.num_hidden_layers", raw.depth)?;
    let width = needed("vision_config.hidden_size", raw.hidden_size)?;
    let inner = needed("vision_config.intermediate_size", raw.intermediate_size)?;
    let patch = bounded("vision_config.patch_size", raw.patch_size)?.unwrap_or(14);
    let positions = (bounded("vision_config.image_size", raw.image_size)?.unwrap_or(336) / patch).pow(2);
    let pixels = 3 * patch * patch * width;
    let biased = 4 * width * width + 4 * width + 2 * width * inner + inner + width + 4 * width;
    let (block, around) = match kind {
        // A class token, learned positions, norms before and after.
        Kind::Clip => (biased, pixels + width + (positions + 1) * width + 4 * width),
        Kind::Siglip => (biased, pixels + width + positions * width + 2 * width),
        // Scales of both branches in each block.
        Kind::Intern => (biased + 2 * width, pixels + width + width + (positions + 1) * width),
        // Rotary positions, a gate, no biases.
        Kind::Rotary => (4 * width * width + 3 * width * inner + 2 * width, pixels + width),
    };
    Ok(Vision {
        parameters: depth * block + around + projector,
        patch_parameters: depth * block + (projector as f64 / patches_per_token) as u64,
        patches_per_token,
        tokens,
    })
}
