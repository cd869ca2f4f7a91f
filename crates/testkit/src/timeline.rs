//! 一个测试的经过：从第一个程序或套接字开始，到全部离开作用域为止；测试失败时画出来。

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::draw::{Bytes, COLUMNS, client_name, cut, prefix, width};

/// 启动最后一个程序之后，一个测试最多等这么久：程序不停地发送、打印，永不结束，测试也在 15 秒之内失败。
const BUDGET: Duration = Duration::from_secs(14);

/// 相隔不到这么久，收到的几段数据就画成一段：一个字节一个字节地读，是测试自己的事。
const TOGETHER: Duration = Duration::from_millis(30);

/// 相隔不到这么久，同样的几件事只记一次。
const AGAIN: Duration = Duration::from_millis(100);

/// 最后一件事之后过了这么久才失败，就是在等待：最后一行也写出时间。
const WAITED: Duration = Duration::from_secs(1);

/// 事情太多时，只留最先的和最后的这么多件。
const FIRST: usize = 100;
const LAST: usize = 300;

/// 画出来的行数：开头最多这么多，结尾最多这么多。
const TOP: usize = 11;
const BOTTOM: usize = 24;

/// 中间省略的行里，最多留下几行最后那个客户端做的事；开头就少画几行。
const KEPT: usize = 6;

thread_local! {
    /// 这个线程上正在运行的测试；它的程序和套接字都离开作用域，就不存在了。
    static CURRENT: RefCell<Weak<Timeline>> = const { RefCell::new(Weak::new()) };
}

/// 正在运行的服务端：地址，所属的测试，是其中的第几个。测试的其他线程由地址找到自己的测试。
static SERVERS: Mutex<Vec<(SocketAddr, Weak<Timeline>, usize)>> = Mutex::new(Vec::new());

/// 程序的标准错误，在经过中的名称。
pub(crate) const STDERR: &str = "标准错误";

/// 对话的一方。
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Who {
    /// 第几个客户端（从 0 起）；测试扮演 UDP 服务端时，还有客户端的端口。
    Client(usize, Option<u16>),
    /// 第几个服务端。
    Server(usize),
    /// 测试的另一个套接字，不是服务端。
    Stranger,
    /// 没有这一方：用户的输入、程序的输出。
    Nobody,
}

/// 数据从哪一边到哪一边。
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Arrow {
    Right,
    Left,
    None,
}

/// 发生的一件事。
struct Event {
    at: Duration,
    last: Duration,
    sides: (Who, Arrow, Who),
    label: String,
    bytes: Option<Bytes>,
    /// `bytes` 是分几次发出的。
    pieces: usize,
    /// 接连发生了几次。
    times: usize,
}

impl Event {
    /// 后面接上在 `at` 发生的 `bytes`。
    fn join(&mut self, at: Duration, bytes: &[u8]) {
        self.last = at;
        self.bytes.get_or_insert_with(|| Bytes::new(b"")).append(bytes);
    }

    /// 数据是否以换行结尾。
    fn ends_line(&self) -> bool {
        self.bytes.as_ref().is_some_and(Bytes::ends_line)
    }

    /// 是不是同样的一方发出的一个字节，或者分多次发出的字节。
    fn repeats_piece(&self, sides: (Who, Arrow, Who), label: &str) -> bool {
        let len = self.bytes.as_ref().map_or(0, Bytes::len);
        self.sides == sides && self.label == label && len == self.pieces
    }

    /// 是不是又一次同样的事，不论是哪个客户端。
    fn repeats(&self, other: &Event) -> bool {
        let kind = |who| match who {
            Who::Client(..) => Who::Client(0, None),
            who => who,
        };
        let ((a, arrow, b), (c, other_arrow, d)) = (self.sides, other.sides);
        arrow == other_arrow
            && (kind(a), kind(b)) == (kind(c), kind(d))
            && (&self.label, &self.bytes) == (&other.label, &other.bytes)
    }
}

#[derive(Default)]
struct State {
    unlimited: bool,
    /// 最近一个程序是什么时候启动的。
    started: Duration,
    first: Vec<Event>,
    last: VecDeque<Event>,
    forgotten: usize,
    clients: usize,
    servers: usize,
    /// 客户端程序的参数中的地址，和它是第几个客户端。
    targets: Vec<(SocketAddr, usize)>,
    drawn: bool,
}

impl State {
    /// 已经发生的事，最近的在前。
    fn recent(&mut self) -> impl Iterator<Item = &mut Event> {
        self.last.iter_mut().rev().chain(self.first.iter_mut().rev())
    }

    fn add(&mut self, at: Duration, sides: (Who, Arrow, Who), label: &str, bytes: Option<&[u8]>) {
        if thread::panicking() {
            return; // 测试已经失败，正在收拾
        }
        let (label, bytes) = (label.to_string(), bytes.map(Bytes::new));
        let event = Event { at, last: at, sides, label, bytes, pieces: 1, times: 1 };
        if let Some(last) = self.recent().next() {
            if last.sides == sides && last.repeats(&event) && at - last.last < AGAIN {
                (last.last, last.times) = (at, last.times + 1);
                return;
            }
        }
        if self.first.len() < FIRST {
            self.first.push(event);
            return;
        }
        self.last.push_back(event);
        if self.last.len() > LAST {
            self.last.pop_front();
            self.forgotten += 1;
        }
    }
}

/// 一个测试的经过；测试的程序和套接字共同拥有它。
pub(crate) struct Timeline {
    start: Instant,
    state: Mutex<State>,
}

impl Timeline {
    /// 当前线程上的测试。
    pub fn current() -> Arc<Timeline> {
        CURRENT.with_borrow_mut(|current| {
            current.upgrade().unwrap_or_else(|| {
                let timeline =
                    Arc::new(Timeline { start: Instant::now(), state: Mutex::default() });
                *current = Arc::downgrade(&timeline);
                timeline
            })
        })
    }

    /// 服务端 `addr` 所属的测试，它是其中的第几个服务端。
    pub fn find(addr: SocketAddr) -> Option<(Arc<Timeline>, usize)> {
        let servers = SERVERS.lock().unwrap_or_else(|e| e.into_inner());
        let (_, timeline, number) = servers.iter().rev().find(|(server, ..)| *server == addr)?;
        Some((timeline.upgrade()?, *number))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// 第 `number` 个服务端有了地址 `addr`。
    pub fn register(self: &Arc<Timeline>, addr: SocketAddr, number: usize) {
        let mut servers = SERVERS.lock().unwrap_or_else(|e| e.into_inner());
        servers.retain(|(_, timeline, _)| timeline.strong_count() > 0);
        servers.push((addr, Arc::downgrade(self), number));
    }

    /// 又有一个服务端：返回它是第几个。
    pub fn new_server(&self) -> usize {
        let mut state = self.state();
        state.servers += 1;
        state.servers - 1
    }

    /// 又有一个客户端：返回它是第几个；`targets` 是它可能连接的地址。
    pub fn new_client(&self, targets: impl IntoIterator<Item = SocketAddr>) -> usize {
        let mut state = self.state();
        let number = state.clients;
        state.clients += 1;
        state.targets.extend(targets.into_iter().map(|addr| (addr, number)));
        number
    }

    /// 最近一个以 `addr` 为参数的客户端程序。
    pub fn client_of(&self, addr: SocketAddr) -> Option<usize> {
        self.state().targets.iter().rev().find(|(target, _)| *target == addr).map(|(_, n)| *n)
    }

    /// 这个测试可以运行任意长的时间。
    #[cfg(unix)] // 只用于故障测试
    pub fn lift_budget(&self) {
        self.state().unlimited = true;
    }

    /// 一次等待最多等多久：不超过 `limit`，也不超过这个测试余下的时间。
    pub fn limit(&self, limit: Duration) -> Duration {
        let State { unlimited, started, .. } = *self.state();
        match unlimited {
            true => limit,
            false => limit.min((started + BUDGET).saturating_sub(self.start.elapsed())),
        }
    }

    /// 启动了一个程序：测试的时间从这时算起，编译程序的时间不算。
    pub fn restart_budget(&self) {
        self.state().started = self.now();
    }

    /// 发生了一件事：`label` 是什么事，`bytes` 是其中的数据。
    pub fn note(&self, sides: (Who, Arrow, Who), label: &str, bytes: Option<&[u8]>) {
        let mut state = self.state();
        let at = self.start.elapsed();
        if let Some(byte @ [_]) = bytes {
            // 一个字节一个字节地发：画成一行，同时有别的客户端这样发也不妨
            let mine = |event: &&mut Event| event.sides.0 == sides.0 && event.sides.2 == sides.2;
            if let Some(event) = state.recent().take(4).find(mine) {
                if event.repeats_piece(sides, label) {
                    event.join(at, byte);
                    event.pieces += 1;
                    return;
                }
            }
        }
        state.add(at, sides, label, bytes);
    }

    /// 到达了一段数据；紧接着同样的一段，就接在它后面。
    pub fn arrived(&self, sides: (Who, Arrow, Who), label: &str, bytes: &[u8]) {
        let mut state = self.state();
        let at = self.start.elapsed();
        let soon = |event: &&mut Event| {
            let whole_line = event.sides.1 == Arrow::None && event.ends_line();
            let same = event.sides == sides && event.label == label && !whole_line;
            same && at - event.last < TOGETHER
        };
        if let Some(last) = state.recent().next().filter(soon) {
            last.join(at, bytes);
            return;
        }
        // 标准错误的一行常常分几次写出，中间隔着标准输出
        if let Some(event) = state.recent().take(4).find(soon).filter(|event| event.label == STDERR)
        {
            event.join(at, bytes);
            return;
        }
        state.add(at, sides, label, Some(bytes));
    }

    /// 最近一次收发到现在，这两方之间沉默了多久。
    pub fn silence(&self, left: Who, right: Who) -> Duration {
        let mut state = self.state();
        let talk = |event: &&mut Event| {
            (event.sides.0, event.sides.2) == (left, right) && event.sides.1 != Arrow::None
        };
        let last = state.recent().find(talk).map_or(Duration::ZERO, |event| event.last);
        self.start.elapsed() - last
    }

    /// 已经画过了吗。
    pub fn is_drawn(&self) -> bool {
        self.state().drawn
    }

    /// 从测试开始到现在。
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// 画出经过，最后一行说明在 `at` 哪里不对；没有什么可画的时候是空的。
    pub fn draw(&self, at: Duration, problem: &str) -> String {
        let mut state = self.state();
        state.drawn = true;
        let talk = |event: &Event| event.sides.1 != Arrow::None || event.label.starts_with("键入");
        let mut events = state.first.iter().chain(&state.last);
        if !events.any(talk) {
            return String::new(); // 只有程序的输出，上面已经有了
        }
        let names = Names::new(&state);
        let mut lines = names.lines(&state.first.iter().collect::<Vec<_>>());
        if state.forgotten > 0 {
            let mark = format!("           …… 省略 {} 件事 ……", state.forgotten);
            lines.push((Who::Nobody, mark));
        }
        lines.extend(names.lines(&state.last.iter().collect::<Vec<_>>()));
        let last = state.last.back().or(state.first.last());
        if lines.len() > TOP + 1 + BOTTOM {
            // 省略的不包括最后一行的那个客户端做的事
            let who = last.map_or(Who::Nobody, |event| event.sides.0);
            let kept = |line: &&(Who, String)| who != Who::Nobody && line.0 == who;
            let middle = &lines[TOP..lines.len() - BOTTOM];
            let kept: Vec<_> = middle.iter().rev().filter(kept).take(KEPT).cloned().collect();
            let (top, n) = (TOP - kept.len(), middle.len());
            let mark = (Who::Nobody, format!("           …… 省略 {n} 行 ……"));
            let kept = [mark].into_iter().chain(kept.into_iter().rev());
            lines.splice(top..lines.len() - BOTTOM, kept.collect::<Vec<_>>());
        }
        let last = last.map_or(at, |event| event.last);
        let waited = at.saturating_sub(last) >= WAITED;
        let time = if waited { format!("{:>6} ms", at.as_millis()) } else { " ".repeat(9) };
        let mark = format!("{time}  ^^^ ");
        let problem = cut(problem.lines().next().unwrap_or_default(), COLUMNS - width(&mark));
        let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
        format!("经过：\n{}\n{mark}{problem}\n", lines.join("\n"))
    }
}

impl Drop for Timeline {
    fn drop(&mut self) {
        if thread::panicking() && !self.state().drawn {
            eprintln!("{}", self.draw(self.now(), "测试在这里失败，原因见最前面的 panicked"));
        }
    }
}

/// 各方的名称：只有一个客户端就叫“客户端”，有几个才分甲、乙。
struct Names {
    clients: usize,
    servers: usize,
    /// 换过端口的客户端。
    ports: Vec<usize>,
    columns: [usize; 2],
}

impl Names {
    fn new(state: &State) -> Names {
        let mut names = Names {
            clients: state.clients,
            servers: state.servers,
            ports: Vec::new(),
            columns: [0, 0],
        };
        let mut seen: Vec<(usize, u16)> = Vec::new();
        for event in state.first.iter().chain(&state.last) {
            if let Who::Client(number, Some(port)) = event.sides.0 {
                if seen.iter().any(|(n, p)| *n == number && *p != port) {
                    names.ports.push(number);
                }
                seen.push((number, port));
            }
        }
        for event in state.first.iter().chain(&state.last) {
            let (left, _, right) = event.sides;
            for (columns, who) in [(0, left), (1, right)] {
                names.columns[columns] = names.columns[columns].max(width(&names.name(who)));
            }
        }
        names
    }

    fn name(&self, who: Who) -> String {
        match who {
            Who::Client(number, port) => {
                let name = if self.clients > 1 { client_name(number) } else { "客户端".into() };
                match port {
                    Some(port) if self.ports.contains(&number) => format!("{name}:{port}"),
                    _ => name,
                }
            }
            Who::Server(number) if self.servers > 1 => format!("服务端{}", number + 1),
            Who::Server(_) => "服务端".to_string(),
            Who::Stranger => "别人".to_string(),
            Who::Nobody => String::new(),
        }
    }

    /// 一件事一行，连同左边是谁；一再重复的几件，只画一遍。
    fn lines(&self, mut events: &[&Event]) -> Vec<(Who, String)> {
        let mut lines = Vec::new();
        while !events.is_empty() {
            // 开头的 k 件事重复几遍；取合在一起最长的
            let times = |k: usize| {
                let same = (k..events.len()).take_while(|&i| events[i].repeats(events[i - k]));
                (same.count() + k) / k
            };
            let enough = |&k: &usize| k <= events.len() && times(k) > if k == 1 { 3 } else { 2 };
            let folds = (1..=6).rev().filter(enough).map(|k| (k, times(k)));
            let (k, n) = folds.max_by_key(|(k, n)| k * n).unwrap_or((1, 1));
            let all = &events[..k * n];
            lines.extend(all[..k].iter().map(|event| (event.sides.0, self.line(event))));
            let who = all[0].sides.0;
            let last = all[k * n - 1].last.as_millis();
            let more: usize = all[k..].iter().map(|event| event.times).sum();
            match (k, more) {
                (_, 0) => {}
                (1, n) => {
                    lines.push((who, format!("           …… 同样的再有 {n} 次，到 {last} ms")));
                }
                _ => {
                    let n = n - 1;
                    lines
                        .push((who, format!("           …… 以上 {k} 行再有 {n} 次，到 {last} ms")));
                }
            }
            events = &events[k * n..];
        }
        lines
    }

    fn line(&self, event: &Event) -> String {
        let (left, arrow, right) = event.sides;
        let arrow = match arrow {
            Arrow::Right => "-->",
            Arrow::Left => "<--",
            Arrow::None => "",
        };
        let prefix = prefix(event.at, &self.name(left), arrow, &self.name(right), self.columns);
        let room = COLUMNS - width(&prefix);
        let times = match event.times {
            1 => String::new(),
            n => format!("× {n} 次  "),
        };
        let text = match &event.bytes {
            None => format!("{}  {times}", event.label),
            Some(bytes) => {
                let n = bytes.len();
                let count = match event.label.as_str() {
                    "" if event.pieces > 1 => {
                        format!("{n} 字节（一次一个，到 {} ms） ", event.last.as_millis())
                    }
                    "" => format!("{n} 字节  {times}"),
                    label if n > room => format!("{label} {n} 字节  "),
                    label => format!("{label} {times}"),
                };
                let shown = bytes.show(room.saturating_sub(width(&count)));
                format!("{count}{shown}")
            }
        };
        format!("{prefix}{}", cut(text.trim_end(), room))
    }
}
