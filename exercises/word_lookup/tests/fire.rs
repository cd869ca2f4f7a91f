//! 网络单词查询：故障测试。随机而可以重放，用 `just fire` 运行，用 `just soak` 长时间运行。
#![cfg(unix)]

use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::process::Command;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use testkit::fire::{Random, Tally, in_parallel, rounds};
use testkit::{DEADLINE, Program, UdpSocket, program, udp_socket};

const DICT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/dict.txt"));

const UNKNOWN: &str = "没有找到这个单词";

/// 最大的 UDP 数据报（IPv4）；macOS 默认不让程序发送这样大的。
const MAX_DATAGRAM: usize = if cfg!(target_os = "macos") { 9_216 } else { 65_507 };

/// 客户端等一个回答的时间，和发送的次数。
const TIMEOUT: Duration = Duration::from_secs(1);
const TRIES: usize = 3;

/// 词典中的任意一个单词。
fn word(random: &mut Random) -> &'static str {
    let lines: Vec<&str> = DICT.lines().collect();
    random.pick(&lines).split_once('\t').unwrap().0
}

/// 对数据报 `bytes`，服务端应有的回答。
fn explain(bytes: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(bytes);
    let mut entries = DICT.lines().filter_map(|line| line.split_once('\t'));
    let found = entries.find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
    found.map_or(UNKNOWN, |(_, explanation)| explanation)
}

/// 任意一个数据报；种类计入 `tally`。
fn datagram(random: &mut Random, tally: &Tally) -> Vec<u8> {
    let (word, other) = (word(random), word(random));
    let spaces = " ".repeat(random.below(2000));
    let kinds = ["原样", "大小写", "空白", "截断", "粘连", "多一个字节", "随机字节", "没有"];
    // 大的数据报很快占满接收缓冲区，别的就丢失了：少一些
    let kind = if random.below(40) == 0 { "最长" } else { random.pick(&kinds) };
    tally.add(kind, 1);
    match kind {
        "大小写" => {
            let fold = |c: char| if random.below(2) == 0 { c.to_ascii_uppercase() } else { c };
            word.chars().map(fold).collect::<String>().into()
        }
        "空白" => format!("{spaces}\r\n{word}\t{spaces}").into(),
        "截断" => word[..random.below(word.len())].into(),
        "粘连" => {
            format!("{word}{}{other}", random.pick(&["", " ", "\n", "\t", "\0", &spaces])).into()
        }
        "多一个字节" => {
            let mut bytes = word.as_bytes().to_vec();
            bytes.insert(random.below(word.len() + 1), *random.pick(b"\0\xff\xe4 #\n"));
            bytes
        }
        "随机字节" => {
            let n = random.below(3000);
            random.bytes(n)
        }
        "没有" => (*random.pick(&["", "##", " \r\n", "banana", "\0", "网络"])).into(),
        "最长" if random.below(2) == 0 => format!("{word:>MAX_DATAGRAM$}").into(),
        "最长" => format!("{word:<0$}#", MAX_DATAGRAM - 1).into(), // 截断了就成为另一个单词
        _ => word.into(),
    }
}

/// 向服务端查询的一个数据报，用自己的套接字；有 `leaver` 时，先由另一个套接字发出它，不收回答。
struct Query {
    socket: UdpSocket,
    bytes: Vec<u8>,
    leaver: Option<(UdpSocket, Vec<u8>)>,
}

impl Query {
    /// 发送，直到收到回答，检查它正确；返回丢失的次数。
    fn run(&self, addr: SocketAddr) -> Result<usize, String> {
        if let Some((leaver, bytes)) = &self.leaver {
            let _ = leaver.send_to(bytes, addr);
            // 只收自己发的：回答到达时，如同端口已经关闭；端口还占着，不会给别的测试
            leaver.connect(leaver.local_addr().unwrap()).unwrap();
        }
        let (expected, mut buffer) = (explain(&self.bytes), vec![0; 65_536]);
        let mut problem = format!("发送 {TRIES} 次，每次等 {TIMEOUT:?}，都没有收到");
        for lost in 0..TRIES {
            let _ = self.socket.send(&self.bytes); // 服务端已经结束：由下面的接收报告
            match self.socket.recv(&mut buffer) {
                Ok(n) if buffer[..n] == *expected.as_bytes() => return Ok(lost),
                Ok(n) => {
                    problem = format!("收到 {}", short(&buffer[..n]));
                    break;
                }
                Err(_) => {}
            }
        }
        Err(format!("发出 {}，收到 {expected:?}；实际：{problem}", short(&self.bytes)))
    }
}

/// 用于失败信息：开头的一段，不可见的字节写成转义序列。
fn short(bytes: &[u8]) -> String {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]);
    format!("{start:?}（共 {} 字节）", bytes.len())
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn bad_peers() {
    rounds(|random, tally| {
        let mut server = Program::start(program(cargo_bin!()), &["server", "127.0.0.1:0"]);
        server.explain(
            "许多套接字同时发来数据报：词典中的单词，改动过的单词，任意字节，最长的数据报；\n\
             有的不等回答就关闭套接字，服务端的系统会收到端口不可达的报告；其余的都应得到正确的回答。\n\
             常见原因：一次接收或发送出错就结束程序；缓冲区太小；不是 UTF-8 或者空的数据报没有回答。",
        );
        let addr = server.addr();
        for _ in 0..10 {
            // 先绑定全部套接字：否则可能用到刚刚关闭的端口，收到给别人的回答
            let queries = (0..100).map(|_| {
                let socket = udp_socket().0;
                socket.connect(addr).unwrap();
                socket.set_read_timeout(Some(TIMEOUT)).unwrap();
                let bytes = datagram(random, tally);
                let leaver =
                    (random.below(2) == 0).then(|| (udp_socket().0, datagram(random, tally)));
                Query { socket, bytes, leaver }
            });
            let queries: Vec<Query> = queries.collect();
            for result in in_parallel(&queries, 20, |query| query.run(addr)) {
                match result {
                    Ok(lost) => tally.add("丢失", lost),
                    Err(problem) => server.fail(&problem),
                }
                tally.add("正确的回答", 1);
            }
            tally.add("不等回答", queries.iter().filter(|query| query.leaver.is_some()).count());
        }
        server.assert_not_panicked();
    });
}

/// 运行 shell 命令 `script`，返回它的标准输出；失败则崩溃。
#[cfg(target_os = "linux")]
fn sh(script: &str) -> String {
    let output = Command::new("sh").args(["-c", script]).output().expect("无法运行 sh");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}：{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
#[cfg(target_os = "linux")]
fn server_survives_errors() {
    // 造成错误要能改动网络的设置：在另外的网络命名空间里再运行这个测试，不影响这台机器
    const INSIDE: &str = "WORD_LOOKUP_INSIDE_NAMESPACE";
    if std::env::var_os(INSIDE).is_none() {
        let unshare = || {
            let mut unshare = Command::new("unshare");
            unshare.arg("-rn");
            unshare
        };
        let allowed = unshare().arg("true").status().is_ok_and(|status| status.success());
        if !allowed {
            return println!("跳过 server_survives_errors：没有 unshare，或者不允许新建命名空间");
        }
        let mut again = unshare();
        again.arg(std::env::current_exe().unwrap());
        again.args(["--ignored", "--exact", "server_survives_errors"]).env(INSIDE, "1");
        let output = again.output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let problem = stdout.split("stdout ----").nth(1).unwrap_or(&stdout);
        assert!(output.status.success(), "{}", problem.split("failures:").next().unwrap());
        return;
    }
    sh("ip link set lo up && ip addr add 10.0.0.9/32 dev lo");
    // 这里只有这一个程序，用固定的端口；由系统选择的端口，接收中断之后就不再属于这个套接字
    let mut server = Program::start(program(cargo_bin!()), &["server", "127.0.0.1:5555"]);
    server.explain(
        "一个客户端的路由在提问之后没有了，回答发不出去；然后系统中断了一次接收。\n\
         服务端各在标准错误上写一行，继续运行，别的客户端照样得到回答。\n\
         常见原因：接收或发送时用了 ?，一次出错就结束了服务端；没有说明错误。",
    );
    let addr = server.addr();
    let (good, bad) = (udp_socket().0, UdpSocket::bind("10.0.0.9:0").unwrap());
    good.connect(addr).unwrap();
    bad.connect(addr).unwrap();
    bad.set_read_timeout(Some(DEADLINE)).unwrap();
    server.assert_answer(&bad, "tcp", explain(b"tcp"));
    sh("ip route del table local local 10.0.0.9 && ip route add table local prohibit 10.0.0.9");
    bad.send(b"tcp").unwrap();
    server.wait_stderr_lines(2);
    server.assert_answer(&good, "udp", explain(b"udp"));
    if sh("ss --kill --udp --all --no-header 'sport = :5555'").is_empty() {
        println!("没有检查接收出错：这个系统的 ss 不能中断套接字");
        return;
    }
    server.wait_stderr_lines(3);
    server.assert_answer(&good, "dns", explain(b"dns"));
    server.assert_not_panicked();
}

/// 等客户端发来 `word`，返回来源；`previous` 是上一个单词，它的重发可能还在。
#[track_caller]
fn asked(client: &mut Program, socket: &UdpSocket, word: &str, previous: &str) -> SocketAddr {
    loop {
        let (data, from) = client.recv_from(socket);
        if data == word.as_bytes() {
            return from;
        }
        if data != previous.as_bytes() {
            client.fail(&format!("客户端发来 {word:?}；实际：{}", short(&data)));
        }
    }
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn client_under_fire() {
    rounds(|random, tally| {
        let ((socket, addr), (stranger, _)) = (udp_socket(), udp_socket());
        let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
        client.wait_stdout(">>");
        let kinds = ["正确", "重复", "迟到", "空的", "任意字节", "最长", "冒充"];
        let mut plan: Vec<&str> = (0..40).map(|_| *random.pick(&kinds)).collect();
        for slow in ["第二次才答", "不答"] {
            plan.insert(random.below(plan.len()), slow);
        }
        let (mut stdout, mut previous) = (">>".to_string(), String::new());
        let mut late: Vec<SocketAddr> = Vec::new(); // 下一个单词来了，再向这些地址回答
        for (i, kind) in plan.into_iter().enumerate() {
            tally.add(kind, 1);
            let word = format!("word{i}");
            client.explain(&format!(
                "测试扮演服务端，回答是正确的、重复的、迟到的、空的、任意字节、最长的，或者不答；别的套接字\n\
                 也冒充它回答。客户端只显示当前单词的回答，原样，占一行；没有回答就再次提示。\n\
                 这时用户查 {word}，服务端的回答：{kind}。\n\
                 常见原因：几个单词共用一个套接字；不看来源；接收没有时限，没有重发；缓冲区太小。"
            ));
            // 占住旧的端口：客户端新的套接字不会碰巧用到它
            let _held: Vec<_> = late.iter().map(UdpSocket::bind).collect();
            client.type_line(&word);
            let from = asked(&mut client, &socket, &word, &previous);
            for old in late.drain(..) {
                socket.send_to("迟到的回答".as_bytes(), old).unwrap();
            }
            let answer = match kind {
                "空的" => Vec::new(),
                "任意字节" => random.bytes(500),
                "最长" => vec![b'a' + random.below(26) as u8; MAX_DATAGRAM],
                _ => format!("{word} 的解释").into_bytes(),
            };
            let mut expected = String::from_utf8_lossy(&answer).into_owned() + "\n>>";
            let send = |to| assert_eq!(socket.send_to(&answer, to).unwrap(), answer.len());
            match kind {
                "重复" => (0..2).for_each(|_| send(from)),
                "迟到" => {
                    send(from);
                    late.push(from);
                }
                "冒充" => {
                    stranger.send_to("冒充的回答".as_bytes(), from).unwrap();
                    send(from);
                }
                "第二次才答" => {
                    late.push(from);
                    send(asked(&mut client, &socket, &word, &previous));
                }
                "不答" => {
                    late.push(from);
                    late.push(asked(&mut client, &socket, &word, &previous));
                    late.push(asked(&mut client, &socket, &word, &previous));
                    expected = ">>".to_string();
                }
                _ => send(from),
            }
            stdout += &expected;
            assert_shows(&mut client, &stdout, &expected);
            previous = word;
        }
        client.wait_stderr("\n"); // 没有回答的单词
        client.assert_not_panicked();
        client.type_line("##");
        client.assert_exit(0);
        client.assert_stdout(&stdout);
    });
}

/// 等到标准输出正是 `stdout`，它的末尾 `expected` 是这一次应当显示的。
#[track_caller]
fn assert_shows(client: &mut Program, stdout: &str, expected: &str) {
    let start = Instant::now();
    let mut actual = client.stdout();
    while actual.len() < stdout.len() && start.elapsed() < DEADLINE {
        client.wait_output(Duration::from_millis(50));
        actual = client.stdout();
    }
    if actual != stdout {
        let before = stdout.len() - expected.len();
        let actual = actual.as_bytes().get(before..).unwrap_or_default();
        client.fail(&format!("显示 {}；实际 {}", short(expected.as_bytes()), short(actual)));
    }
}
