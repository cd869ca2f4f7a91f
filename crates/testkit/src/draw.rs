//! 把网络上的经过画成终端里对齐的几行：测试失败时用，`wire` 也用。

use std::time::Duration;

/// 一行最多占这么多列。
pub const COLUMNS: usize = 80;

/// 太长的数据只留开头和结尾的这么多字节。
const HEAD: usize = 120;
const TAIL: usize = 60;

/// 一段数据：短的全部保存，长的只留开头和结尾。
#[derive(Clone, PartialEq)]
pub struct Bytes {
    head: Vec<u8>,
    tail: Vec<u8>,
    len: usize,
}

impl Bytes {
    /// 数据 `data`。
    pub fn new(data: &[u8]) -> Bytes {
        let mut bytes = Bytes { head: Vec::new(), tail: Vec::new(), len: 0 };
        bytes.append(data);
        bytes
    }

    /// 后面接上 `data`。
    pub fn append(&mut self, data: &[u8]) {
        let (head, rest) = data.split_at(data.len().min(HEAD - self.head.len()));
        self.head.extend(head);
        self.tail.extend(&rest[rest.len().saturating_sub(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        self.len += data.len();
    }

    /// 一共有多少字节。
    pub fn len(&self) -> usize {
        self.len
    }

    /// 是否一个字节也没有。
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// 文字照原样写在引号中，`\r`、`\n`、`\t` 看得见；别的字节写成十六进制。最多占 `columns` 列。
    pub fn show(&self, columns: usize) -> String {
        let cut = self.len > self.head.len() + self.tail.len();
        let (mut head, mut tail) = (&self.head[..], &self.tail[..]);
        let joined = [head, tail].concat();
        if !cut {
            (head, tail) = (&joined, &[]);
        }
        let (mut start, mut end) = (tokens(head), tokens(tail));
        let binary = start.iter().filter(|token| !token.quoted).count();
        if binary > 8 && binary * 3 > start.len() {
            let hex = |data: &[u8]| data.iter().map(|byte| Token::hex(*byte)).collect();
            (start, end) = (hex(head), hex(tail)); // 图片之类：全部写成十六进制
        }
        if !cut && width(&join(&start)) <= columns {
            return join(&start);
        }
        if !cut {
            end = start.clone();
        }
        let room = columns.saturating_sub(" … ".chars().count());
        let most = |range: &dyn Fn(usize) -> String, len: usize, room: usize| {
            (0..=len).rev().map(range).find(|text| width(text) <= room).unwrap_or_default()
        };
        let start = most(&|n| join(&start[..n]), start.len(), room * 2 / 3);
        let room = room.saturating_sub(width(&start));
        let end = most(&|n| join(&end[end.len() - n..]), end.len(), room);
        format!("{start} … {end}")
    }
}

/// 显示数据时的一个单位：一个字，或者写成十六进制的一个字节。
#[derive(Clone)]
struct Token {
    text: String,
    quoted: bool,
}

impl Token {
    fn hex(byte: u8) -> Token {
        Token { text: format!("{byte:02x}"), quoted: false }
    }
}

fn tokens(data: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for chunk in data.utf8_chunks() {
        for c in chunk.valid().chars() {
            tokens.push(match c {
                '\r' | '\n' | '\t' | '"' | '\\' => {
                    Token { text: c.escape_default().to_string(), quoted: true }
                }
                _ if c.is_ascii_control() => Token::hex(c as u8),
                _ => Token { text: c.to_string(), quoted: true },
            });
        }
        tokens.extend(chunk.invalid().iter().map(|byte| Token::hex(*byte)));
    }
    tokens
}

/// 例如 `"你叫" + e4`。
fn join(tokens: &[Token]) -> String {
    let runs = tokens.chunk_by(|a, b| a.quoted == b.quoted).map(|run| {
        let texts: Vec<&str> = run.iter().map(|token| token.text.as_str()).collect();
        if run[0].quoted { format!("\"{}\"", texts.concat()) } else { texts.join(" ") }
    });
    runs.collect::<Vec<_>>().join(" + ")
}

/// 文字在终端里占的列数：汉字和全角标点占两列。
pub fn width(text: &str) -> usize {
    let columns = |c: char| match c {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => 2,
        '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' => 2,
        '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    };
    text.chars().map(columns).sum()
}

/// `text` 和它后面的空格，一共占 `columns` 列。
fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// `text` 开头的一段，最多占 `columns` 列；省略了就以 `…` 结尾。
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_string();
    }
    let mut start = String::new();
    for c in text.chars() {
        if width(&start) + width(c.encode_utf8(&mut [0; 4])) >= columns {
            break;
        }
        start.push(c);
    }
    start + "…"
}

/// 第 `number` 个（从 0 起）客户端的名称：客户端甲、客户端乙……
pub fn client_name(number: usize) -> String {
    match "甲乙丙丁戊己庚辛壬癸".chars().nth(number) {
        Some(letter) => format!("客户端{letter}"),
        None => format!("客户端{}", number + 1),
    }
}

/// 一行的开头：时间，左边是谁，箭头，右边是谁；两边各占 `columns` 中的列数。
pub fn prefix(at: Duration, left: &str, arrow: &str, right: &str, columns: [usize; 2]) -> String {
    let (left, right) = (pad(left, columns[0]), pad(right, columns[1]));
    format!("{:>6} ms  {left} {arrow:3} {right}  ", at.as_millis())
}
