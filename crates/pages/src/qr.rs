//! QR codes, as pictures that a page can show without loading anything.

use qrcode::{EcLevel, QrCode};

/// Pixels of one module, so that a phone's camera sees it on any screen.
const MODULE_PIXELS: usize = 6;
/// Modules of empty border (ISO/IEC 18004 §6.3.8).
const QUIET_MODULES: usize = 4;

/// The QR code of a text as a PNG picture in black and white. `None` when the text is longer than a QR code holds,
/// which is 2331 bytes.
pub fn png(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let modules = code.width();
    let dark = code.to_colors();
    let pixels = (modules + 2 * QUIET_MODULES) * MODULE_PIXELS;
    let is_dark = |row: usize, column: usize| {
        let (row, column) = (row.wrapping_sub(QUIET_MODULES), column.wrapping_sub(QUIET_MODULES));
        row < modules && column < modules && dark[row * modules + column] == qrcode::Color::Dark
    };
    // One bit a pixel, 1 is white, the bits left over at the end of a row are not shown.
    let bytes_per_row = pixels.div_ceil(8);
    let mut data = vec![0xff_u8; bytes_per_row * pixels];
    for y in 0..pixels {
        for x in (0..pixels).filter(|x| is_dark(y / MODULE_PIXELS, x / MODULE_PIXELS)) {
            data[y * bytes_per_row + x / 8] &= !(0x80 >> (x % 8));
        }
    }
    encode(u32::try_from(pixels).ok()?, &data).ok()
}

fn encode(pixels: u32, data: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, pixels, pixels);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(data)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixels of a picture as rows of `true` for black.
    fn decode(file: &[u8]) -> Vec<Vec<bool>> {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut data).unwrap();
        assert_eq!(info.width, info.height);
        data.chunks(info.line_size).map(|row| row.iter().map(|value| *value == 0).collect()).collect()
    }

    #[test]
    fn the_picture_has_the_modules_of_the_code_and_a_quiet_border() {
        let text =
            "otpauth://totp/Acme:ada%40acme.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Acme";
        let rows = decode(&png(text).unwrap());
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let modules = code.width();
        assert_eq!(rows.len(), (modules + 8) * MODULE_PIXELS);
        for (y, row) in rows.iter().enumerate() {
            for (x, is_black) in row.iter().enumerate() {
                let (my, mx) = (y / MODULE_PIXELS, x / MODULE_PIXELS);
                let inside = (4..4 + modules).contains(&my) && (4..4 + modules).contains(&mx);
                let expected = inside && code[(mx - 4, my - 4)] == qrcode::Color::Dark;
                assert_eq!(*is_black, expected, "{x} {y}");
            }
        }
    }

    #[test]
    fn the_longest_text_of_the_server_fits() {
        assert!(png(&"x".repeat(2300)).is_some());
        assert!(png(&"x".repeat(4000)).is_none());
    }
}
