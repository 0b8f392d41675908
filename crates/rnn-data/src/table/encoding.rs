//! The text of a file: bytes, unpacked and converted to UTF-8 while they are read.

use std::{
    fmt,
    io::{self, Read},
    str::FromStr,
};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, GB18030, UTF_8};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::bytes::{Input, hex};
#[cfg(feature = "parquet")]
use super::parquet_file::ParquetText;

/// Number of first bytes that decide the encoding.
const LOOKED_AT: u64 = 256 << 10;
/// Bytes that are read at once before conversion.
const BLOCK: usize = 8 << 10;
/// Largest size of an unpacked file: this many bytes, and as many times the packed size.
const UNPACKED: (u64, u64) = (16 << 20, 100);

/// First bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// First bytes of files that are not text, with their kind and a remedy.
const BINARIES: [(&[u8], &str, &str); 7] = [
    (b"PK\x03\x04", "a zip archive or a workbook", "unpack it, or save the sheet as CSV"),
    (
        PARQUET,
        "a Parquet file",
        "build with the feature `parquet`, or convert it, e.g. with pandas: \
         read_parquet(..).to_csv(..)",
    ),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "save the sheet as CSV"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it, or pack it with gzip"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it, or pack it with gzip"),
    (b"BZh", "a bzip2 archive", "unpack it, or pack it with gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it, or pack it with gzip"),
];

/// Words of Chinese headers. A few letters are not enough to tell encodings apart otherwise.
const CHINESE: [&str; 8] = ["日期", "时间", "开盘", "收盘", "最高", "最低", "成交", "代码"];

/// A character encoding of a text file, by any name of the WHATWG Encoding Standard.
///
/// # Examples
///
/// ```
/// use rnn_data::TextEncoding;
///
/// assert_eq!("gbk".parse::<TextEncoding>().unwrap().to_string(), "gb18030");
/// assert_eq!("latin1".parse::<TextEncoding>().unwrap().to_string(), "windows-1252");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEncoding(pub(super) &'static Encoding);

impl FromStr for TextEncoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let encoding = Encoding::for_label_no_replacement(text.as_bytes());
        // GB18030 contains GBK.
        let encoding = encoding.map(|one| if one == encoding_rs::GBK { GB18030 } else { one });
        encoding.map(Self).ok_or_else(|| {
            format!(
                "expected an encoding such as utf-8, utf-16le, gb18030 or windows-1252, got `{}`",
                text.chars().take(60).collect::<String>()
            )
        })
    }
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name().to_ascii_lowercase())
    }
}

/// How the bytes of a file become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextFormat {
    pub(super) packing: Packing,
    pub(super) encoding: TextEncoding,
}

/// What holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    #[cfg(feature = "parquet")]
    Parquet,
}

impl TextFormat {
    /// UTF-8, as it is.
    pub(super) const PLAIN: Self = Self { packing: Packing::None, encoding: TextEncoding(UTF_8) };

    /// Returns whether the text is written here from the values of the file: with commas between
    /// cells and decimal points.
    pub(super) fn is_written_here(self) -> bool {
        match self.packing {
            Packing::None | Packing::Gzip => false,
            #[cfg(feature = "parquet")]
            Packing::Parquet => true,
        }
    }

    /// Finds the format in the first bytes; a given encoding is taken as it is.
    ///
    /// # Errors
    ///
    /// If the bytes cannot be read, or are an archive or another kind of file.
    pub(super) fn find(mut bytes: Input, encoding: Option<TextEncoding>) -> io::Result<Self> {
        let mut sample = Vec::new();
        (&mut bytes).take(LOOKED_AT).read_to_end(&mut sample)?;
        #[cfg(feature = "parquet")]
        if sample.starts_with(PARQUET) {
            return Ok(Self { packing: Packing::Parquet, ..Self::PLAIN });
        }
        let mut packing = Packing::None;
        if sample.starts_with(b"\x1f\x8b") {
            packing = Packing::Gzip;
            let packed = std::mem::take(&mut sample);
            // A damaged file is reported when it is read, with its line.
            let _ = MultiGzDecoder::new(packed.as_slice()).take(LOOKED_AT).read_to_end(&mut sample);
        }
        if let Some((_, kind, fix)) = BINARIES.iter().find(|(start, ..)| sample.starts_with(start))
        {
            return Err(io::Error::other(format!("expected a CSV file, got {kind} ({fix})")));
        }
        Ok(Self { packing, encoding: encoding.unwrap_or_else(|| TextEncoding(guess(&sample))) })
    }
}

/// Guesses the encoding of the first bytes of a file.
fn guess(sample: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(sample) {
        return encoding;
    }
    let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    // Digits and separators have a zero in UTF-16: before them in big-endian order.
    let [even, odd] = [zeros(0), zeros(1)];
    if even.max(odd) * 8 > sample.len() && even.min(odd) * 16 < even.max(odd) {
        return if even > odd { encoding_rs::UTF_16BE } else { encoding_rs::UTF_16LE };
    }
    if is_utf8(sample) {
        return UTF_8;
    }
    let text = GB18030.decode_without_bom_handling(sample).0;
    if CHINESE.iter().any(|word| text.contains(word)) {
        return GB18030;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    match detector.guess(None, Utf8Detection::Deny) {
        encoding if encoding == encoding_rs::GBK => GB18030,
        encoding => encoding,
    }
}

/// Returns whether bytes are UTF-8, or have more letters of UTF-8 than damaged places.
fn is_utf8(sample: &[u8]) -> bool {
    // A letter may be cut at the end of the sample.
    if std::str::from_utf8(sample).map_or_else(|error| error.error_len().is_none(), |_| true) {
        return true;
    }
    let (mut letters, mut damages) = (0, 0);
    for chunk in sample.utf8_chunks() {
        letters += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
        damages += usize::from(!chunk.invalid().is_empty());
    }
    letters > damages
}

/// A reader of UTF-8 text that hashes the bytes of the file.
pub(super) struct Text {
    bytes: Unpacked,
    conversion: Option<Conversion>,
}

enum Unpacked {
    Plain(Hashed),
    Gzip {
        unpacked: Box<MultiGzDecoder<Hashed>>,
        length: u64,
    },
    /// The text, once it is read.
    #[cfg(feature = "parquet")]
    Parquet {
        input: Input,
        text: Option<Box<ParquetText>>,
        length: u64,
    },
}

/// The bytes of the file, with their hash.
struct Hashed {
    inner: Input,
    hasher: Sha256,
    length: u64,
}

struct Conversion {
    decoder: Decoder,
    /// Bytes that are not converted yet.
    input: Vec<u8>,
    start: usize,
    /// Text that is not read yet.
    output: Vec<u8>,
    read: usize,
    ended: bool,
    damaged: bool,
}

impl Text {
    pub(super) fn new(bytes: Input, format: TextFormat) -> Self {
        let bytes = match format.packing {
            Packing::None => Unpacked::Plain(Hashed::new(bytes)),
            Packing::Gzip => {
                let unpacked = Box::new(MultiGzDecoder::new(Hashed::new(bytes)));
                Unpacked::Gzip { unpacked, length: 0 }
            }
            #[cfg(feature = "parquet")]
            Packing::Parquet => Unpacked::Parquet { input: bytes, text: None, length: 0 },
        };
        let encoding = format.encoding.0;
        let conversion = (encoding != UTF_8).then(|| Conversion {
            decoder: encoding.new_decoder_with_bom_removal(),
            input: Vec::new(),
            start: 0,
            output: Vec::new(),
            read: 0,
            ended: false,
            damaged: false,
        });
        Self { bytes, conversion }
    }

    /// Returns the SHA-256 of all bytes of the file in hexadecimal.
    ///
    /// # Errors
    ///
    /// If bytes that follow the text cannot be read.
    pub(super) fn sha256(self) -> io::Result<String> {
        let mut hashed = match self.bytes {
            Unpacked::Plain(hashed) => hashed,
            Unpacked::Gzip { unpacked, .. } => unpacked.into_inner(),
            #[cfg(feature = "parquet")]
            Unpacked::Parquet { input, .. } => Hashed::new(input.at(0)),
        };
        io::copy(&mut hashed, &mut io::sink())?;
        Ok(hex(&hashed.hasher.finalize()))
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.conversion {
            None => self.bytes.read(buffer),
            Some(conversion) => conversion.read(&mut self.bytes, buffer),
        }
    }
}

impl Hashed {
    fn new(inner: Input) -> Self {
        Self { inner, hasher: Sha256::new(), length: 0 }
    }
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.length += read as u64;
        Ok(read)
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(hashed) => hashed.read(buffer),
            Self::Gzip { unpacked, length } => {
                let read = unpacked
                    .read(buffer)
                    .map_err(|error| damage(format!("damaged gzip data: {error}")))?;
                *length += read as u64;
                check_unpacked(*length, unpacked.get_ref().length)?;
                Ok(read)
            }
            #[cfg(feature = "parquet")]
            Self::Parquet { input, text, length } => {
                let text = match text {
                    Some(text) => text,
                    None => text.insert(Box::new(ParquetText::new(input.at(0)).map_err(damage)?)),
                };
                let read = text.read(buffer)?;
                *length += read as u64;
                check_unpacked(*length, input.len())?;
                Ok(read)
            }
        }
    }
}

impl Conversion {
    fn read(&mut self, bytes: &mut Unpacked, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.output.len() {
            if self.damaged {
                return Err(damage(format!(
                    "expected {} text, got other bytes (set `encoding`)",
                    self.decoder.encoding().name()
                )));
            }
            if self.ended {
                return Ok(0);
            }
            self.convert(bytes)?;
        }
        let count = buffer.len().min(self.output.len() - self.read);
        buffer[..count].copy_from_slice(&self.output[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }

    /// Converts the next bytes.
    fn convert(&mut self, bytes: &mut Unpacked) -> io::Result<()> {
        let mut at_end = false;
        if self.start == self.input.len() {
            self.input.resize(BLOCK, 0);
            let read = bytes.read(&mut self.input)?;
            self.input.truncate(read);
            self.start = 0;
            at_end = read == 0;
        }
        // Three bytes of UTF-8 for one byte, and those of a letter that began earlier.
        self.output.resize(3 * BLOCK + 16, 0);
        let (result, used, written) = self.decoder.decode_to_utf8_without_replacement(
            &self.input[self.start..],
            &mut self.output,
            at_end,
        );
        self.start += used;
        self.output.truncate(written);
        self.read = 0;
        self.damaged = matches!(result, DecoderResult::Malformed(..));
        self.ended = at_end && result == DecoderResult::InputEmpty;
        Ok(())
    }
}

/// Checks the length of a text that is unpacked from `packed` bytes.
fn check_unpacked(length: u64, packed: u64) -> io::Result<()> {
    let (base, factor) = UNPACKED;
    if length <= base + factor * packed {
        return Ok(());
    }
    Err(damage(format!("the file unpacks to more than {factor} times its size (unpack it)")))
}

/// An error of the content, whose line is known to the reader of rows.
pub(super) fn damage(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
