//! 记录上传：真实的网络和真实的客户端。

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::Path;
#[cfg(unix)]
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
#[cfg(unix)]
use testkit::fire::{exhaust_descriptors, reset_now, start_limited};
use testkit::{DEADLINE, Program, TcpStream, connect, listen, nobody_listens, program, reset};

/// 足够一个错误的程序露出破绽；正确的程序在这段时间里没有事做。
const PAUSE: Duration = Duration::from_millis(200);

/// 客户端应当发送的全部内容。
const MESSAGE: &str = "张三  18   177\n李四  19   180\n王五  120  183\n#\n";

/// 在目录 `dir` 中启动服务端，返回它和它的地址；`situation` 说明测试做什么。
#[track_caller]
fn start_server(dir: &Path, situation: &str) -> (Program, SocketAddr) {
    let mut server = Program::start_in(dir, program(cargo_bin!()), &["server", "127.0.0.1:0"]);
    server.explain(situation);
    let addr = server.addr();
    (server, addr)
}

/// 启动客户端，返回它、它与测试的连接、它连接的地址；`situation` 说明测试做什么。
#[track_caller]
fn start_client(situation: &str) -> (Program, TcpStream, SocketAddr) {
    let (listener, addr) = listen();
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain(situation);
    let conn = client.accept(&listener);
    (client, conn, addr)
}

/// 检查程序以一行错误结束，其中写明做什么失败（用汉字）和地址 `addr`，没有打印“已保存 3 条”。
#[track_caller]
fn assert_explained(program: &mut Program, addr: SocketAddr) {
    let addr = addr.to_string();
    program.assert_error(&["错误：", &addr]);
    let stderr = program.stderr();
    let line = stderr.lines().last().unwrap_or_default().replace("错误：", "").replace(&addr, "");
    if !line.chars().any(|c| ('一'..='龥').contains(&c)) {
        program.fail("错误不只有地址和系统的回答，还写明做什么失败，例如“无法连接 …”");
    }
    if program.stdout().contains("已保存 3 条") {
        program.fail("没有得到正确的回答，就不打印“已保存 3 条”");
    }
}

/// 测试扮演的客户端发送 `bytes`；对方已经断开则测试失败。
#[track_caller]
fn send(server: &mut Program, client: &mut TcpStream, bytes: &[u8]) {
    if let Err(e) = client.write_all(bytes) {
        server.fail(&format!("服务端接收 {}；实际：{e}", shown(bytes)));
    }
}

/// 一个新的客户端发送 `bytes`，应收到 `answer`。
#[track_caller]
fn assert_answer(server: &mut Program, addr: SocketAddr, bytes: &[u8], answer: &str) {
    let mut client = connect(addr);
    send(server, &mut client, bytes);
    server.assert_receives(&mut client, answer);
}

/// 检查目录 `dir` 中的 `records.txt` 正是 `expected`。
#[track_caller]
fn assert_saved(server: &mut Program, dir: &Path, expected: &[u8]) {
    let content = saved(dir);
    if content != expected {
        let pairs = expected.split(|b| *b == b'\n').zip(content.split(|b| *b == b'\n'));
        let line = pairs.take_while(|(a, b)| a == b).count() + 1;
        let (expected, content) = (shown(expected), shown(&content));
        server
            .fail(&format!("records.txt 正是 {expected}；实际是 {content}，从第 {line} 行起不同"));
    }
}

/// 等目录 `dir` 中的 `records.txt` 成为 `expected`。
#[track_caller]
fn wait_saved(server: &mut Program, dir: &Path, expected: &str) {
    let end = Instant::now() + DEADLINE;
    while saved(dir) != expected.as_bytes() && Instant::now() < end {
        server.wait_output(Duration::from_millis(20));
    }
    assert_saved(server, dir, expected.as_bytes());
}

/// 过 `duration` 这么久，其间收下程序的输出：给错误的程序时间，让它露出破绽。
fn pass(server: &mut Program, duration: Duration) {
    let end = Instant::now() + duration;
    while Instant::now() < end {
        server.wait_output(end.saturating_duration_since(Instant::now()));
    }
}

/// 目录 `dir` 中 `records.txt` 的内容；没有这个文件时为空。
fn saved(dir: &Path) -> Vec<u8> {
    fs::read(dir.join("records.txt")).unwrap_or_default()
}

/// 用于失败信息：长的内容只显示开头。
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let rest = if bytes.len() > 200 {
        format!("…（共 {} 字节）", bytes.len())
    } else {
        String::new()
    };
    format!("{text:?}{rest}")
}

#[test]
fn pauses_and_silence() {
    let (slow_dir, half_dir, whole_dir) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut slow_server, addr) = start_server(
        slow_dir.path(),
        "客户端两次停顿 3 秒，每次停在记录中间：没有哪一次超过 5 秒，记录应当完整保存。\n\
         常见原因：时限太短；时限是整个连接的，不是每一次沉默的。",
    );
    let mut slow = connect(addr);
    // 沉默的客户端：一个停在记录中间，一个停在两条记录之间
    let situation = "客户端发送一条完整的记录之后（有的还发了半条）一直沉默，另一个客户端在后面等待：\n\
         5 秒之后应断开沉默的客户端，不回答，半条记录不写入文件。\n\
         常见原因：没有设置读超时；把超时当作发送完毕；超时之后把半条记录也写进了文件。";
    let cases = [(&half_dir, "甲  1\n乙  2"), (&whole_dir, "甲  1\n")];
    let mut silent = cases.map(|(dir, text)| {
        let (mut server, addr) = start_server(dir.path(), situation);
        let mut client = connect(addr);
        send(&mut server, &mut client, text.as_bytes());
        (server, dir, addr, client)
    });
    send(&mut slow_server, &mut slow, "张三  1".as_bytes());
    slow_server.assert_silent(&mut slow, Duration::from_secs(3));
    send(&mut slow_server, &mut slow, "8\n李四".as_bytes());
    let mut waiting = Vec::new();
    for (server, _, addr, client) in &mut silent {
        server.assert_silent(client, Duration::from_millis(1)); // 3 秒过去了，还没有到 5 秒
        let mut next = connect(*addr);
        send(server, &mut next, b"#\n");
        let _ = next.shutdown(Shutdown::Write); // 发完了：服务端不必等它
        waiting.push(next);
    }
    slow_server.assert_silent(&mut slow, Duration::from_secs(3));
    send(&mut slow_server, &mut slow, "  19\n#\n".as_bytes());
    slow_server.assert_receives(&mut slow, "2\n");
    assert_saved(&mut slow_server, slow_dir.path(), "张三  18\n李四  19\n".as_bytes());
    for ((server, dir, _, client), mut next) in silent.iter_mut().zip(waiting) {
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap(); // 早已到了时限
        server.assert_closes(client);
        server.assert_receives(&mut next, "0\n");
        assert_saved(server, dir.path(), "甲  1\n".as_bytes());
        server.assert_not_panicked();
    }
}

#[test]
fn records_however_they_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "一个客户端不停顿地发送 10000 条记录，另一个一次发送一个字节：一条不少，次序不变。\n\
         常见原因：每条记录新建一个 BufReader，丢失了它多读的字节；\
         take 在循环之外，限制了整个连接的长度；缓冲区没有处理跨越两次 read 的记录；\
         计数的类型太小；每次 read 之后就转换为文字，汉字成了 �。",
    );
    let records: String = (1..=10_000).map(|i| format!("第 {i} 条  汉字  {}\n", i * i)).collect();
    assert_answer(&mut server, addr, format!("{records}#\n").as_bytes(), "10000\n");
    assert_saved(&mut server, dir.path(), records.as_bytes());

    let mut client = connect(addr);
    client.set_nodelay(true).unwrap();
    let (last, first) = MESSAGE.as_bytes().split_last().unwrap();
    for byte in first {
        send(&mut server, &mut client, &[*byte]);
        server.assert_silent(&mut client, Duration::from_millis(5));
    }
    send(&mut server, &mut client, &[*last]);
    server.assert_receives(&mut client, "3\n");
    let expected = records + MESSAGE.trim_end_matches("#\n");
    assert_saved(&mut server, dir.path(), expected.as_bytes());
}

#[test]
fn records_are_kept_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "记录中有 #、前后有空格：原样保存。只有单独一个 # 的一行才是结束。\n\
         常见原因：用 contains、starts_with 或 ends_with 找 #；用 trim 去掉了空格。",
    );
    let records = b"# \n #\n##\n#x\nx#\na # b\n \n  a  \n\ta\t\na\rb\na\0b\n\0#\n";
    assert_answer(&mut server, addr, &[&records[..], b"#\n"].concat(), "12\n");
    assert_saved(&mut server, dir.path(), records);
}

#[test]
fn record_that_is_not_utf8() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "记录的开头、中间、末尾有不是 UTF-8 的字节，# 的旁边也有：都是记录\
         （逐字节保存最好，无效的字节存为 � 也可以），后面的记录照常保存。\n\
         常见原因：用了 read_line 或 lines，它们遇到无效的 UTF-8 返回错误。",
    );
    let records = b"\xffa  1\nb\xfe\xff  2\nc  3\xe5\xbc\n\xff#\n#\xff\nd  5\n";
    assert_answer(&mut server, addr, &[&records[..], b"#\n"].concat(), "6\n");
    let content = saved(dir.path());
    if content != records && content != String::from_utf8_lossy(records).as_bytes() {
        server.fail(&format!("records.txt 中有六条记录，各占一行；实际是 {}", shown(&content)));
    }
}

#[test]
fn empty_lines_and_carriage_returns() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "行以 \\r\\n 结尾（Windows 上的习惯），中间有空行：\\n 前面的一个 \\r 不属于记录，空行不是记录。\n\
         常见原因：只去掉了 \\n，于是“#\\r”不等于 #；用 trim_end 去掉了不止一个 \\r；空行也计数。",
    );
    let lines = b"\n\r\na  1\r\n\n\r\nb  2\n\r\nc  3\r\r\n#\r\r\n#\r\n";
    assert_answer(&mut server, addr, lines, "4\n");
    assert_answer(&mut server, addr, b"#\n", "0\n");
    assert_answer(&mut server, addr, b"\n#\n", "0\n");
    assert_saved(&mut server, dir.path(), b"a  1\nb  2\nc  3\r\n#\r\n");
}

#[test]
fn half_a_record_is_not_saved() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "客户端发送一条完整的记录和半条，没有 # 就关闭写方向，或者发了 # 而没有 \\n：保存完整的一条，不回答。\n\
         常见原因：read 返回 0 之后还在循环；读到连接结束时，把剩下的半条也当作一条（lines、split 和 read_until 都会返回它）；\
         把连接结束当作 #。",
    );
    for bytes in ["张三  18\n李四  1", "张三  18\n#"] {
        let mut client = connect(addr);
        send(&mut server, &mut client, bytes.as_bytes());
        client.shutdown(Shutdown::Write).unwrap();
        server.assert_closes(&mut client);
    }
    assert_saved(&mut server, dir.path(), "张三  18\n张三  18\n".as_bytes());
    assert_answer(&mut server, addr, "王五  120\n#\n".as_bytes(), "1\n");
    assert_saved(&mut server, dir.path(), "张三  18\n张三  18\n王五  120\n".as_bytes());
}

#[test]
fn clients_that_vanish() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "客户端发送两条完整的记录之后没有发 # 就离开，什么也不发就离开，\
         停在记录中间、不等回答、不读回答就重置连接：\n\
         完整的记录都应保存，服务端继续服务，没有线程崩溃。\n\
         常见原因：记录留到收到 # 才写入文件；读到 0 字节之后还在循环，轮不到下一个客户端；在循环中用 ? 或 unwrap，一个连接的错误结束了整个程序。",
    );
    let mut client = connect(addr);
    send(&mut server, &mut client, "张三  18\n李四  19\n".as_bytes());
    drop(client);
    wait_saved(&mut server, dir.path(), "张三  18\n李四  19\n");
    drop(connect(addr));
    for _ in 0..3 {
        let mut client = connect(addr);
        send(&mut server, &mut client, b"#\n");
        reset(client);
    }
    // std 不能随时重置连接，由 perl 来做；没有 perl，就不检查这两种
    #[cfg(unix)]
    if Command::new("perl").args(["-e", "use Socket"]).output().is_ok_and(|o| o.status.success()) {
        for bytes in ["赵六  2", "#\n"] {
            // 服务端暂停，字节和重置都到了，它才继续：读到一半，或者收完之后回答不了
            signal(&server, "STOP");
            let mut client = connect(addr);
            send(&mut server, &mut client, bytes.as_bytes());
            reset_now(client);
            signal(&server, "CONT");
            assert_answer(&mut server, addr, b"#\n", "0\n");
        }
    }
    assert_answer(&mut server, addr, "王五  120\n#\n".as_bytes(), "1\n");
    assert_saved(&mut server, dir.path(), "张三  18\n李四  19\n王五  120\n".as_bytes());
    pass(&mut server, PAUSE); // 线程崩溃得稍晚，也要看见
    server.assert_not_panicked();
}

/// 向 `program` 发送信号 `name`。
#[cfg(unix)]
fn signal(program: &Program, name: &str) {
    let (name, id) = (format!("-{name}"), program.id().to_string());
    let status = Command::new("kill").args([name, id]).status();
    assert!(status.expect("无法运行 kill").success(), "kill 出错");
}

#[test]
fn what_follows_the_end_is_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "客户端在“#\\n”之后又发送十多 MiB，其中还有像记录和 # 的行，大部分在收到回答之后：都应读完并丢弃，\
         只回答一次，连接正常关闭，不重置。\n\
         常见原因：回答之后立即关闭连接，还有没读的字节，系统就重置连接，对方可能收不到回答；\
         收到 # 之后继续保存。",
    );
    let mut client = connect(addr);
    let extra = "多余的一行\n#\n".repeat(30_000);
    send(&mut server, &mut client, format!("张三  18\n#\n{extra}").as_bytes());
    server.assert_receives(&mut client, "1\n");
    pass(&mut server, PAUSE); // 立即关闭连接的服务端，这时已经关闭
    send(&mut server, &mut client, extra.repeat(20).as_bytes());
    if let Err(e) = client.shutdown(Shutdown::Write) {
        server.fail(&format!("连接保持打开，直到客户端发完；实际：{e}"));
    }
    match client.read(&mut [0]) {
        Ok(0) => {}
        Ok(_) => server.fail("只回答一次；实际又收到数据"),
        Err(e) => server.fail(&format!("连接正常关闭；实际：{e}")),
    }
    assert_saved(&mut server, dir.path(), "张三  18\n".as_bytes());
}

#[test]
fn client_that_stays_after_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "一个客户端得到回答之后不关闭，读到结尾为止：服务端应立即关闭写方向；它一直不离开，\
         下一个客户端也照样得到服务，5 秒之后服务端关闭连接。\n\
         常见原因：回答之后没有用 shutdown 关闭写方向，双方互相等；一直等客户端离开，没有时限。",
    );
    let mut staying = connect(addr);
    send(&mut server, &mut staying, "张三  18\n#\n".as_bytes());
    server.assert_receives(&mut staying, "1\n");
    staying.set_read_timeout(Some(Duration::from_secs(2))).unwrap(); // 不是靠 5 秒的时限关闭的
    server.assert_closes(&mut staying);
    assert_answer(&mut server, addr, "李四  19\n#\n".as_bytes(), "1\n");
    assert_saved(&mut server, dir.path(), "张三  18\n李四  19\n".as_bytes());
    pass(&mut server, Duration::from_secs(6));
    // 连接关闭之后再发送，会被重置，接着发送就出错
    let reset = (0..10).any(|_| {
        pass(&mut server, Duration::from_millis(20));
        staying.write_all(b"x").is_err()
    });
    if !reset {
        server.fail("客户端沉默 5 秒之后，服务端关闭连接；实际一直打开着");
    }
}

#[test]
fn line_of_65536_bytes_is_saved() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "一条记录有 65536 字节（不含 \\n）：没有超过限制，应保存。\n\
         常见原因：缓冲区太小；把 \\n 也算进了长度；take 在循环之外，限制了整个连接的长度。",
    );
    let record = "记录".repeat(65_536 / "记录".len()) + "1234\n";
    assert_eq!(record.len(), 65_536 + 1, "测试的数据有误");
    assert_answer(&mut server, addr, format!("{record}x\n#\n").as_bytes(), "2\n");
    assert_saved(&mut server, dir.path(), format!("{record}x\n").as_bytes());
}

#[test]
fn line_over_65536_bytes_ends_its_client_only() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "一行有 65537 字节（不含 \\n），或者不停地发送而没有 \\n：断开这个客户端，不回答，\n\
         这一行不写入文件，前面的记录保留。\n\
         常见原因：没有限制长度，内存随着对方发送的数据增长；读完整行才检查长度；\
         把长的一行截成了几条记录。",
    );
    let mut client = connect(addr);
    // 服务端可以在任何时候结束这个连接，所以这里允许发送失败
    let _ = client.write_all(format!("张三  18\n{}\n李四  19\n#\n", "x".repeat(65_537)).as_bytes());
    server.assert_closes(&mut client);
    assert_saved(&mut server, dir.path(), "张三  18\n".as_bytes());

    let mut client = connect(addr);
    let piece = [b'x'; 65_536];
    for _ in 0..1024 {
        if client.write_all(&piece).is_err() {
            break; // 正确的服务端早已结束这个连接
        }
    }
    client.set_read_timeout(Some(Duration::from_secs(2))).unwrap(); // 不是靠 5 秒的时限结束的
    server.assert_closes(&mut client);
    assert_answer(&mut server, addr, "王五  120\n#\n".as_bytes(), "1\n");
    assert_saved(&mut server, dir.path(), "张三  18\n王五  120\n".as_bytes());
}

#[test]
fn clients_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "两个客户端交替发送，第一个先发完；再有 32 个客户端同时各发送 250 条记录：\
         每条记录占一行，互不穿插，每个客户端的记录次序不变，条数各算各的。\n\
         常见原因：几个连接共用了缓冲区或条数；记录和 \\n 分两次写入文件（writeln! 就是这样），\
         中间插进了别的线程写的记录；几个线程移到同一个末尾，互相覆盖。",
    );
    let mut first = connect(addr);
    let mut second = connect(addr);
    for (piece_of_first, piece_of_second) in
        [("张三", "王"), ("  18\n李", "五  120\n赵六"), ("四  19\n#\n", "  20\n孙八")]
    {
        send(&mut server, &mut first, piece_of_first.as_bytes());
        send(&mut server, &mut second, piece_of_second.as_bytes());
    }
    server.assert_receives(&mut first, "2\n");
    drop(first);
    send(&mut server, &mut second, "  22\n#\n".as_bytes());
    server.assert_receives(&mut second, "3\n");
    drop(second);
    let content = String::from_utf8_lossy(&saved(dir.path())).into_owned();
    let mut lines: Vec<&str> = content.lines().collect();
    lines.sort_unstable();
    if lines != ["孙八  22", "张三  18", "李四  19", "王五  120", "赵六  20"] {
        server.fail(&format!("records.txt 中有两个客户端的五条记录，各占一行；实际是 {content:?}"));
    }

    let records = |client: usize| (0..250).map(move |i| format!("客户端 {client}  第 {i} 条"));
    let answers: Vec<String> = thread::scope(|scope| {
        let clients = (0..32).map(|i| {
            let message = records(i).collect::<Vec<_>>().join("\n") + "\n#\n";
            scope.spawn(move || {
                let mut client = connect(addr);
                let _ = client.write_all(message.as_bytes()); // 失败时没有回答
                let mut answer = String::new();
                let _ = BufReader::new(client).take(100).read_line(&mut answer);
                answer
            })
        });
        let clients: Vec<_> = clients.collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    if answers.iter().any(|answer| answer != "250\n") {
        server.fail(&format!("32 个客户端各收到 \"250\\n\"；实际收到 {answers:?}"));
    }
    let content = saved(dir.path());
    let content = String::from_utf8_lossy(&content);
    for i in 0..32 {
        let own: Vec<&str> =
            content.lines().filter(|l| l.starts_with(&format!("客户端 {i}  "))).collect();
        if own != records(i).collect::<Vec<_>>() || content.lines().count() != 5 + 32 * 250 {
            server.fail(&format!(
                "records.txt 有 8005 行，其中 250 行依次是客户端 {i} 的记录；实际有 {} 行，其中 {} 行以“客户端 {i}”开头",
                content.lines().count(),
                own.len()
            ));
        }
    }
}

#[test]
#[cfg(unix)] // ulimit -f：文件的大小有限制，写到中途出错，如同磁盘写满
fn full_disk_leaves_no_half_record() {
    let dir = tempfile::tempdir().unwrap();
    let situation = "磁盘写满：一条 3000 字节的记录只能写入一部分。不应回答条数，应在标准错误上写一行，\
         文件恢复原来的长度；之后装得下的记录照常保存。\n\
         常见原因：没有检查写文件的结果；BufWriter 离开作用域时才写入，错误没有人看见；\
         只写入了一部分的记录留在文件中，后面的记录接在它后面；一个错误结束了整个程序。";
    // 忽略信号 XFSZ，写文件才返回错误
    let (limit, args) = (r#"trap "" XFSZ; ulimit -f 1"#, ["server", "127.0.0.1:0"]);
    let (mut server, addr) =
        start_limited(dir.path(), limit, &program(cargo_bin!()), &args, situation);
    assert_answer(&mut server, addr, "张三  18\n#\n".as_bytes(), "1\n");
    let mut client = connect(addr);
    let record = "x".repeat(3000);
    send(&mut server, &mut client, format!("李四  19\n{record}\n王五  120\n#\n").as_bytes());
    server.assert_closes(&mut client);
    assert_saved(&mut server, dir.path(), "张三  18\n李四  19\n".as_bytes());
    server.wait_stderr_lines(2);
    assert_answer(&mut server, addr, "赵六  20\n#\n".as_bytes(), "1\n");
    assert_saved(&mut server, dir.path(), "张三  18\n李四  19\n赵六  20\n".as_bytes());
    server.wait_stdout("已保存 1 条记录\n已保存 1 条记录\n");
    server.assert_not_panicked();
}

#[test]
fn half_record_of_the_last_run() {
    let longest = format!("甲  1\n{}", "乙".repeat(21_845) + "2"); // 半条有 65536 字节
    for (content, whole) in [("甲  1\n乙  2", "甲  1\n"), ("乙", ""), (&longest, "甲  1\n")] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("records.txt"), content).unwrap();
        let (mut server, addr) = start_server(
            dir.path(),
            "启动时 records.txt 的末尾是上一次运行留下的半条记录，没有 \\n：应删去它，\
             在标准错误上写一行；新的记录不能接在它后面。\n\
             常见原因：启动时没有检查文件的末尾；半条最长有 65536 字节，只看了末尾的一小段。",
        );
        assert_answer(&mut server, addr, "丙  3\n#\n".as_bytes(), "1\n");
        assert_saved(&mut server, dir.path(), format!("{whole}丙  3\n").as_bytes());
        server.wait_stderr_lines(2);
    }
}

#[test]
#[cfg(unix)]
fn no_descriptor_left() {
    let dir = tempfile::tempdir().unwrap();
    let (exe, args) = (program(cargo_bin!()), ["server", "127.0.0.1:0"]);
    // 服务端平时用几个描述符：标准输入、输出、错误，监听的套接字，也许还有一直打开着的文件
    let close = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-";
    let (mut server, addr) = start_limited(dir.path(), close, &exe, &args, "");
    assert_answer(&mut server, addr, b"#\n", "0\n");
    let used = |server: &Program| {
        let fd = |n: &usize| Path::new(&format!("/proc/{}/fd/{n}", server.id())).exists();
        (0..).take_while(fd).count().max(4) // 没有 /proc 的系统：四个
    };
    let end = Instant::now() + Duration::from_secs(1);
    while used(&server) > 4 && Instant::now() < end {
        server.wait_output(Duration::from_millis(10)); // 前一个连接可能还没有关闭
    }
    let limit = used(&server);
    drop(server);
    let _ = exhaust_descriptors(dir.path(), limit, &exe, &args);
}

#[test]
#[cfg(unix)]
fn output_that_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let situation = "标准输出是管道，另一端已经关闭（例如 | head -1）：记录已经保存，照样回答。\n\
         常见原因：println! 写不出去时会崩溃，还没有轮到回答。";
    let (closed_pipe, args) = ("mkfifo p; true <p & exec >p; wait", ["server", "127.0.0.1:0"]);
    let (mut server, addr) =
        start_limited(dir.path(), closed_pipe, &program(cargo_bin!()), &args, situation);
    assert_answer(&mut server, addr, "张三  18\n#\n".as_bytes(), "1\n");
    assert_answer(&mut server, addr, "李四  19\n#\n".as_bytes(), "1\n");
    assert_saved(&mut server, dir.path(), "张三  18\n李四  19\n".as_bytes());
    pass(&mut server, PAUSE);
    server.assert_not_panicked();
}

#[test]
fn server_that_cannot_listen() {
    let (_listener, addr) = listen();
    let dir = tempfile::tempdir().unwrap();
    let args = ["server", &addr.to_string()];
    let mut server = Program::start_in(dir.path(), program(cargo_bin!()), &args);
    server.explain("端口已被占用：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。");
    assert_explained(&mut server, addr);
}

#[test]
fn answer_in_pieces() {
    let (mut client, mut conn, _) = start_client(
        "回答“3”和“\\n”分两段到达：\\n 到了才算完整，“3”可能只是“30”的一半。\n\
         常见原因：把一次 read 当作整个回答；没有等回答就打印。",
    );
    client.assert_receives(&mut conn, MESSAGE);
    client.assert_quiet(PAUSE);
    conn.write_all(b"3").unwrap();
    client.assert_quiet(PAUSE);
    conn.write_all(b"\n").unwrap();
    conn.shutdown(Shutdown::Write).unwrap();
    client.assert_exit(0);
    client.assert_stdout("服务端已保存 3 条记录\n");
}

#[test]
fn answer_that_is_wrong() {
    let answers: [&[u8]; 12] = [
        b"3",
        b"2\n",
        b"4\n",
        b"0\n",
        b"30\n",
        b"-3\n",
        "三\n".as_bytes(),
        b"\n",
        b"x3\n",
        b"3x\n",
        b"\xff3\n",
        b"3\xff\n",
    ];
    for answer in answers {
        let (mut client, mut conn, addr) = start_client(
            "服务端的回答不是“3\\n”，然后关闭连接：用一行错误说明，写明哪个地址，退出状态 1。\n\
             常见原因：parse().unwrap() 使程序崩溃；只用了 ?，错误中没有地址；没有检查就打印了；\
             没有 \\n 的“3”也当作完整的回答；没有与发送的条数比较。",
        );
        client.assert_receives(&mut conn, MESSAGE);
        conn.write_all(answer).unwrap();
        conn.shutdown(Shutdown::Write).unwrap();
        assert_explained(&mut client, addr);
    }
}

#[test]
fn answer_without_end() {
    let (mut client, mut conn, addr) = start_client(
        "服务端的回答没有 \\n，不停地发送数字：客户端应以一行错误结束，不再读下去。\n\
         常见原因：读到 \\n 为止而不限制长度，内存随着对方发送的数据增长。",
    );
    client.assert_receives(&mut conn, MESSAGE);
    for _ in 0..256 {
        if conn.write_all(&[b'3'; 65_536]).is_err() {
            break; // 正确的客户端早已结束
        }
    }
    assert_explained(&mut client, addr);
}

#[test]
fn server_that_goes_away() {
    let (mut client, mut conn, addr) = start_client(
        "服务端收到记录之后不回答，就关闭连接：用一行错误说明，写明哪个地址，退出状态 1。\n\
         常见原因：没有检查读到 0 字节；没有得到回答也打印“已保存”。",
    );
    client.assert_receives(&mut conn, MESSAGE);
    drop(conn);
    assert_explained(&mut client, addr);
    client.assert_stdout("");

    let (mut client, conn, addr) = start_client(
        "服务端不读记录就关闭连接（连接被重置）：用一行错误说明做什么失败、哪个地址，退出状态 1。\n\
         常见原因：对读写的结果用了 unwrap 或 expect；只用了 ?，错误中没有地址。",
    );
    reset(conn);
    assert_explained(&mut client, addr);
    client.assert_stdout("");
}

#[test]
fn no_server() {
    let (_used, addr) = nobody_listens();
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain("没有服务端：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。");
    assert_explained(&mut client, addr);
}
