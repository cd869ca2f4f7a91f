//! 一个测试的经过：谁在什么时候发了什么，程序打印了什么。

use std::time::{Duration, Instant};

use crate::draw::{Bytes, COLUMNS, client_name, cut, prefix, width};

/// 同一个方向上相隔不到这么久到达的几段，画成一段：操作系统本来就可能把它们一次交出来。
const TOGETHER: Duration = Duration::from_millis(5);

/// 事情太多时，只记最先的和最后的这么多件。
const FIRST: usize = 40;
const LAST: usize = 40;

/// 画出来的行太多时，只留开头和结尾的这么多行。
const TOP: usize = 8;
const BOTTOM: usize = 20;

/// 对话的一方。
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Who {
    /// 第几个客户端（从 0 起）。
    Client(usize),
    /// 第几个服务端。
    Server(usize),
    /// 不相干的程序。
    Stranger,
    /// 没有这一方：程序自己的事。
    Nobody,
}

/// 一件事的双方，左边是客户端，和箭头：`-->`、`<--`，或者没有。
pub(crate) type Sides = (Who, &'static str, Who);

/// 程序 `who` 自己的一件事，画在它的一边。
pub(crate) fn alone(who: Who) -> Sides {
    match who {
        Who::Server(_) | Who::Stranger => (Who::Nobody, "", who),
        _ => (who, "", Who::Nobody),
    }
}

struct Event {
    at: Duration,
    /// 其中最后一段到达的时间。
    last: Duration,
    sides: Sides,
    label: String,
    bytes: Option<Bytes>,
    /// 接连发生了几次。
    times: usize,
}

impl Event {
    /// 是不是又一次同样的事，不论是哪个客户端。
    fn repeats(&self, other: &Event) -> bool {
        let kind = |who| if matches!(who, Who::Client(_)) { Who::Client(0) } else { who };
        let sides = |event: &Event| (kind(event.sides.0), event.sides.1, kind(event.sides.2));
        sides(self) == sides(other) && (&self.label, &self.bytes) == (&other.label, &other.bytes)
    }
}

pub(crate) struct Timeline {
    start: Instant,
    first: Vec<Event>,
    last: Vec<Event>,
    omitted: usize,
    clients: usize,
    servers: usize,
    /// 服务端是测试，或者客户端是测试。
    played: Option<&'static str>,
    /// 测试失败在与这个客户端的对话中。
    failed: Option<Who>,
}

impl Timeline {
    pub fn new() -> Timeline {
        let start = Instant::now();
        Timeline {
            start,
            first: vec![],
            last: vec![],
            omitted: 0,
            clients: 0,
            servers: 0,
            played: None,
            failed: None,
        }
    }

    pub fn new_client(&mut self) -> Who {
        self.clients += 1;
        Who::Client(self.clients - 1)
    }

    pub fn new_server(&mut self) -> Who {
        self.servers += 1;
        Who::Server(self.servers - 1)
    }

    /// 测试扮演又一个客户端。
    pub fn test_is_client(&mut self) -> Who {
        self.played = Some("客户端");
        self.new_client()
    }

    /// 测试扮演又一个服务端。
    pub fn test_is_server(&mut self) -> Who {
        self.played = Some("服务端");
        self.new_server()
    }

    /// 测试失败在与 `client` 的对话中。
    pub fn fails_with(&mut self, client: Who) {
        self.failed = Some(client);
    }

    fn recent(&mut self) -> impl Iterator<Item = &mut Event> {
        self.last.iter_mut().rev().chain(self.first.iter_mut().rev())
    }

    /// 发生了一件事：`label` 是什么事，`bytes` 是其中的数据；接连的同样的事只记次数。
    pub fn note(&mut self, sides: Sides, label: &str, bytes: Option<&[u8]>) {
        let at = self.start.elapsed();
        let bytes = bytes.map(Bytes::new);
        if let Some(last) = self.recent().next() {
            if (last.sides, last.label.as_str(), &last.bytes) == (sides, label, &bytes) {
                (last.last, last.times) = (at, last.times + 1);
                return;
            }
        }
        if self.last.len() == LAST {
            self.last.remove(0);
            self.omitted += 1;
        }
        let event = Event { at, last: at, sides, label: label.to_string(), bytes, times: 1 };
        let events = if self.first.len() < FIRST { &mut self.first } else { &mut self.last };
        events.push(event);
    }

    /// 到达了一段数据；紧接着前一段、其间对方没有发什么的，与前一段画在一起。
    pub fn arrived(&mut self, sides: Sides, bytes: &[u8]) {
        let at = self.start.elapsed();
        // 双方之间的上一件事：程序和别的客户端这时可能也有事，不算
        let ours = |event: &&mut Event| (event.sides.0, event.sides.2) == (sides.0, sides.2);
        if let Some(event) = self.recent().take(8).find(ours) {
            let same = event.sides == sides && event.label.is_empty() && event.times == 1;
            if let (true, Some(joined)) = (same && at - event.last < TOGETHER, &mut event.bytes) {
                joined.append(bytes);
                event.last = at;
                return;
            }
        }
        self.note(sides, "", Some(bytes));
    }

    /// 画出经过；测试没有扮演谁，或者什么也没有发生，就没有事可画。
    pub fn draw(&self) -> String {
        let (Some(role), false) = (self.played, self.first.is_empty()) else {
            return String::new();
        };
        let events = || self.first.iter().chain(&self.last);
        let column = |pick: fn(&Event) -> Who| {
            events().map(|event| width(&self.name(pick(event)))).max().unwrap_or(0)
        };
        let columns = [column(|event| event.sides.0), column(|event| event.sides.2)];
        let mut lines = self.lines(&self.first, columns);
        if self.omitted > 0 {
            lines.push(format!("           …… 省略 {} 件事 ……", self.omitted));
        }
        lines.extend(self.lines(&self.last, columns));
        if let Some(more) = lines.len().checked_sub(TOP + BOTTOM).filter(|more| *more > 0) {
            lines.splice(TOP..TOP + more, [format!("           …… 省略 {more} 行 ……")]);
        }
        // 只有一个客户端，就不必说是哪一个
        let which = self.failed.filter(|_| self.clients > 1);
        let which = which.map_or(String::new(), |who| format!("（{}）", self.name(who)));
        format!(
            "经过（测试扮演{role}）：\n{}\n{:>6} ms  ^^^ 在这里失败{which}",
            lines.join("\n"),
            self.start.elapsed().as_millis()
        )
    }

    fn name(&self, who: Who) -> String {
        match who {
            Who::Client(number) if self.clients > 1 => client_name(number),
            Who::Client(_) => "客户端".to_string(),
            Who::Server(number) if self.servers > 1 => format!("服务端{}", number + 1),
            Who::Server(_) => "服务端".to_string(),
            Who::Stranger => "别的程序".to_string(),
            Who::Nobody => String::new(),
        }
    }

    /// 一件事一行；一再重复的几件（不论是哪个客户端），只画一遍。
    fn lines(&self, mut events: &[Event], columns: [usize; 2]) -> Vec<String> {
        let mut lines = Vec::new();
        while !events.is_empty() {
            // 开头的 k 件事接连重复了几遍；取合在一起最长的
            let times = |k: usize| {
                let same = (k..events.len()).take_while(|&i| events[i].repeats(&events[i - k]));
                (same.count() + k) / k
            };
            let folds = (1..=4).rev().filter(|&k| k <= events.len() && times(k) > 2);
            let k = folds.max_by_key(|&k| k * times(k)).unwrap_or(1);
            let n = if times(k) > 2 { times(k) } else { 1 };
            lines.extend(events[..k].iter().map(|event| self.line(event, columns)));
            if n > 1 {
                let last = events[k * n - 1].last.as_millis();
                lines.push(format!("           …… 以上 {k} 行再有 {} 次，到 {last} ms", n - 1));
            }
            events = &events[k * n..];
        }
        lines
    }

    fn line(&self, event: &Event, columns: [usize; 2]) -> String {
        let (left, arrow, right) = event.sides;
        let prefix = prefix(event.at, &self.name(left), arrow, &self.name(right), columns);
        let room = COLUMNS.saturating_sub(width(&prefix));
        let mut text = event.label.clone();
        if let Some(bytes) = &event.bytes {
            let separator = if text.is_empty() { "" } else { "  " };
            text += &match arrow {
                "" => " ".to_string(), // 打印、键入：不数字节
                _ => format!("{separator}{} 字节  ", bytes.len()),
            };
            text += &bytes.show(room.saturating_sub(width(&text)));
        }
        if event.times > 1 {
            text = format!("{} 次，到 {} ms：{text}", event.times, event.last.as_millis());
        }
        format!("{prefix}{}", cut(text.trim_end(), room))
    }
}
