//! 问答机器人：故障测试。随机而可以重放，用 `just fire` 运行，用 `just soak` 长时间运行。
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use testkit::fire::{Ending, Peer, Random, attack_all, reset_now, rounds, start_limited};
use testkit::{Program, connect, program};

/// 课程的问答表；最后一项没有关键字。
const ANSWERS: [(&str, &str); 6] = [
    ("你好", "你好啊"),
    ("叫什么", "我叫小美"),
    ("几岁", "我两岁啦"),
    ("男生女生", "我是机器人"),
    ("睡了", "吸引才是最重要的"),
    ("", "人家还小，不知道。"),
];

/// 一个问题最多的字节数，不含 `\n`。
const MAX_QUESTION: usize = 1024;

/// 启动服务端，返回它和它的地址；`situation` 说明测试做什么。
fn start_server(situation: &str) -> (Program, SocketAddr) {
    let mut server = Program::start(program(cargo_bin!()), &["server", "127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    (server, addr)
}

/// 对客户端发来的全部字节 `bytes`，服务端应有的全部回答；有问题过长时，到它之前为止，并且返回 `false`。
fn answers(bytes: &[u8]) -> (String, bool) {
    let mut answers = String::new();
    for question in bytes.split_inclusive(|&byte| byte == b'\n') {
        if question.strip_suffix(b"\n").unwrap_or(question).len() > MAX_QUESTION {
            return (answers, false);
        }
        let question = String::from_utf8_lossy(question);
        answers += ANSWERS.iter().find(|(keyword, _)| question.contains(keyword)).unwrap().1;
        answers += "\n";
    }
    (answers, true)
}

/// 好客户端：在一个连接上提 `n` 个问题，返回第一个不正确的回答。
fn ask(addr: SocketAddr, mut random: Random, n: usize) -> Result<(), String> {
    let mut stream = BufReader::new(connect(addr));
    for _ in 0..n {
        let (keyword, expected) = random.pick(&ANSWERS);
        let question = format!("{}{keyword}？\n", "请问".repeat(random.below(20)));
        stream.get_mut().write_all(question.as_bytes()).map_err(|e| e.to_string())?;
        let mut answer = String::new();
        stream.read_line(&mut answer).map_err(|e| e.to_string())?;
        if answer.trim_end() != *expected {
            return Err(format!("问 {question:?}，应当回答 {expected:?}，实际是 {answer:?}"));
        }
    }
    Ok(())
}

/// 检查服务端没有崩溃过，并且仍能正确回答。
#[track_caller]
fn assert_healthy(server: &mut Program, addr: SocketAddr) {
    if let Err(problem) = ask(addr, Random::new(0), 10) {
        server.fail(&format!("故障之后，好客户端得到正确的回答；实际：{problem}"));
    }
    server.assert_not_panicked();
}

/// 检查服务端没有崩溃过，并且早晚又能正确回答：到了上限，接受的连接会被断开，再连接就是。
#[track_caller]
fn assert_recovers(server: &mut Program, addr: SocketAddr) {
    let end = Instant::now() + Duration::from_secs(10);
    while let Err(problem) = ask(addr, Random::new(0), 10) {
        if Instant::now() > end {
            server.fail(&format!("连接少了，好客户端又得到正确的回答；实际：{problem}"));
        }
    }
    server.assert_not_panicked();
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn bad_peers() {
    rounds(|random, tally| {
        let (mut server, addr) = start_server(
            "8 个坏客户端同时发送任意字节、截断和粘连的问题，分段或缓慢地发送，半关闭、离开或重置；\
             同时有 4 个好客户端提问。\n常见原因：一个客户端的错误结束了别人的连接或者整个程序；\
             多读的字节丢失了；用了 unwrap。",
        );
        let questions: Vec<Vec<u8>> =
            ANSWERS.iter().map(|(keyword, _)| format!("请问{keyword}？\n").into_bytes()).collect();
        let peers: Vec<Peer> = (0..200).map(|_| Peer::random(random, tally, &questions)).collect();
        let seeds: Vec<u64> = (0..4).map(|_| random.below(1 << 30) as u64).collect();
        let received = thread::scope(|scope| {
            let good =
                seeds.iter().map(|&seed| scope.spawn(move || ask(addr, Random::new(seed), 500)));
            let good: Vec<_> = good.collect();
            let received = attack_all(&peers, addr, 8);
            for client in good {
                if let Err(problem) = client.join().expect("好客户端的线程崩溃") {
                    server.fail(&format!("好客户端得到正确的回答；实际：{problem}"));
                }
            }
            received
        });
        tally.add("好客户端的正确回答", 4 * 500);
        for (peer, received) in peers.iter().zip(received) {
            let (expected, all_short) = answers(&peer.bytes);
            let received = String::from_utf8_lossy(&received);
            let right = match peer.ending {
                Ending::HalfClose if all_short => received == expected,
                _ => expected.starts_with(&*received), // 问题过长，连接被重置：回答可能没有收全
            };
            if !right {
                server.fail(&format!("{peer}，得到 {expected:?}；实际 {received:?}"));
            }
        }
        assert_healthy(&mut server, addr);
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn reset_at_every_byte() {
    rounds(|random, tally| {
        let (mut server, addr) = start_server(
            "客户端在第 0、1、2……个字节之后重置连接；每次重置之后，早先连接的客户端照常得到回答。\n\
             常见原因：对 read 或 write 的结果用了 unwrap；一个客户端的错误结束了整个程序。",
        );
        let mut other = connect(addr);
        let questions = format!("{}\n{}\n", random.pick(&ANSWERS).0, random.pick(&ANSWERS).0);
        for n in 0..=questions.len() {
            let mut client = connect(addr);
            client.write_all(&questions.as_bytes()[..n]).unwrap();
            reset_now(client);
            other.write_all("几岁\n".as_bytes()).unwrap();
            server.assert_receives(&mut other, "我两岁啦\n");
            tally.add("重置", 1);
        }
        assert_healthy(&mut server, addr);
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn idle_client_is_kept() {
    let seconds = std::env::var("FIRE_SECONDS").map_or(1, |n| n.parse().expect("FIRE_SECONDS"));
    rounds(|_, tally| {
        let (mut server, addr) = start_server(
            "客户端连接之后思考 FIRE_SECONDS 秒（用 just soak 3600 是 12 分钟）才提问：连接应当还在。\n\
             常见原因：设置了读超时，把思考的人当作离开的人。",
        );
        let mut idle = connect(addr);
        server.assert_silent(&mut idle, Duration::from_secs(seconds));
        idle.write_all("几岁\n".as_bytes()).unwrap();
        server.assert_receives(&mut idle, "我两岁啦\n");
        tally.add("思考的秒数", seconds as usize);
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
fn descriptors_run_out() {
    rounds(|random, tally| {
        let limit = 20 + random.below(40);
        run_out(
            &format!("ulimit -n {limit}"),
            limit + 20,
            "连接多到描述符用完：服务端在标准错误上说明，继续服务已有的客户端；连接少了，又能接受新的。\n\
             常见原因：在接受连接的循环中用了 ? 或 unwrap。",
        );
        tally.add("描述符用完", 1);
    });
}

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
#[cfg(target_os = "linux")]
fn threads_run_out() {
    use std::process::Command;

    // 先试一试：只许三个线程时，shell 能不能启动另一个程序
    let script = format!("limit=3; {LIMIT_THREADS}");
    let tried = Command::new("sh").args(["-c", &script, "sh", "-c", "true & wait"]).output();
    if !tried.is_ok_and(|output| output.status.success()) {
        return println!("跳过 threads_run_out：没有 prlimit、setpriv、unshare，或者不允许使用");
    }
    rounds(|random, tally| {
        let limit = 5 + random.below(20);
        run_out(
            &format!("limit={limit}; {LIMIT_THREADS}"),
            limit + 40,
            "连接多到不能启动新的线程：服务端在标准错误上说明，继续服务已有的客户端；连接少了，又能接受新的。\n\
             常见原因：用了 thread::spawn，它不能启动线程时会崩溃；应当用 thread::Builder。",
        );
        tally.add("线程用完", 1);
    });
}

/// 只许服务端有 `$limit` 个线程，不管机器上还有什么在运行。
///
/// 这项限制按用户计算，而且管不住 root：root 换用一个没有人用的用户号，别人换用一个新的用户命名空间。
#[cfg(target_os = "linux")]
const LIMIT_THREADS: &str = r#"if test "$(id -u)" = 0; then
    uid=$((30000 + $(date +1%N) % 30000))
    exec prlimit --nproc=$limit setpriv --reuid=$uid --clear-groups \
        --inh-caps=+dac_override --ambient-caps=+dac_override "$0" "$@"
fi
exec unshare --user prlimit --nproc=$limit "$0" "$@""#;

/// 以 `limit` 限制服务端，用 `n` 个连接使它用完；已有的客户端照常得到回答，连接少了，又能接受新的。
#[track_caller]
fn run_out(limit: &str, n: usize, situation: &str) {
    let program = program(cargo_bin!());
    let args = ["server", "127.0.0.1:0"];
    let (mut server, addr) = start_limited(Path::new("."), limit, &program, &args, situation);
    let mut other = connect(addr);
    other.write_all("几岁\n".as_bytes()).unwrap();
    server.assert_receives(&mut other, "我两岁啦\n");
    let flood: Vec<_> = (0..n).map(|_| connect(addr)).collect();
    server.wait_stderr_lines(2);
    other.write_all("你好\n".as_bytes()).unwrap();
    server.assert_receives(&mut other, "你好啊\n");
    drop(flood);
    assert_recovers(&mut server, addr);
}

/// 一个线程占四段内存映射，Linux 默认一个进程最多 65530 段：线程到这么多时，没有上限的服务端已经崩溃。
#[cfg(target_os = "linux")]
const TOO_MANY: usize = 17_000;

/// 这么久没有回答，就是不接受了。
#[cfg(target_os = "linux")]
const SILENCE: Duration = Duration::from_secs(3);

#[test]
#[ignore = "故障测试，加上 -- --ignored 运行"]
#[cfg(target_os = "linux")]
fn too_many_clients() {
    use std::io::Read;
    use std::net::TcpStream;
    use std::process::Command;

    rounds(|_, tally| {
        let pid = std::process::id().to_string();
        let raised = Command::new("prlimit").args(["--nofile=20000:", "--pid", &pid]).status();
        let (mut server, addr) = start_limited(
            Path::new("."),
            "ulimit -n $(ulimit -Hn)",
            &program(cargo_bin!()),
            &["server", "127.0.0.1:0"],
            "涌来 17000 个连接：服务端不崩溃，继续服务已有的客户端；连接少了，又能接受新的。\n\
             常见原因：线程没有上限。",
        );
        let mut other = connect(addr);
        let mut flood = Vec::new();
        while flood.len() < TOO_MANY {
            // 服务端不再接受时，连接不上，或者得不到回答
            let Ok(mut stream) = TcpStream::connect_timeout(&addr, SILENCE) else { break };
            // 等服务端接受了前面的连接，再来更多：等待接受的连接太多，系统会丢弃
            if flood.len() % 64 == 0 {
                stream.set_read_timeout(Some(SILENCE)).unwrap();
                let _ = stream.write_all("你好\n".as_bytes());
                if !matches!(stream.read(&mut [0; 100]), Ok(1..)) {
                    break;
                }
            }
            flood.push(stream);
        }
        assert!(raised.is_ok(), "需要 Linux 的 prlimit：{raised:?}");
        tally.add("连接", flood.len());
        other.write_all("你好\n".as_bytes()).unwrap();
        server.assert_receives(&mut other, "你好啊\n");
        drop(flood);
        assert_recovers(&mut server, addr);
    });
}
