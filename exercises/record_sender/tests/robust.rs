//! 记录上传：真实的网络和真实的客户端。

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use testkit::{DEADLINE, Program, TcpStream, connect, listen, program, reset};

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

/// 启动客户端，返回它和它与测试的连接；`situation` 说明测试做什么。
#[track_caller]
fn start_client(situation: &str) -> (Program, TcpStream) {
    let (listener, addr) = listen();
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain(situation);
    let conn = client.accept(&listener);
    (client, conn)
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
         5 秒之后应结束沉默的客户端，不回答，半条记录不写入文件。\n\
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
    }
}

#[test]
fn one_byte_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "客户端一次发送一个字节：记录与一次发出时相同。\n\
         常见原因：把一次 read 当作一条记录；每次 read 之后就转换为文字，汉字成了 �。",
    );
    let mut client = connect(addr);
    client.set_nodelay(true).unwrap();
    let (last, first) = MESSAGE.as_bytes().split_last().unwrap();
    for byte in first {
        send(&mut server, &mut client, &[*byte]);
        server.assert_silent(&mut client, Duration::from_millis(5));
    }
    send(&mut server, &mut client, &[*last]);
    server.assert_receives(&mut client, "3\n");
    assert_saved(&mut server, dir.path(), MESSAGE.trim_end_matches("#\n").as_bytes());
}

#[test]
fn ten_thousand_records() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "一个客户端不停顿地发送 10000 条记录：一条不少，次序不变。\n\
         常见原因：每条记录新建一个 BufReader，丢失了它多读的字节；缓冲区没有处理跨越两次 read 的记录。",
    );
    let records: String = (1..=10_000).map(|i| format!("第 {i} 条  汉字  {}\n", i * i)).collect();
    assert_answer(&mut server, addr, format!("{records}#\n").as_bytes(), "10000\n");
    assert_saved(&mut server, dir.path(), records.as_bytes());
}

#[test]
fn records_are_kept_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "记录中有 #、前后有空格：原样保存。只有单独一个 # 的一行才是结束。\n\
         常见原因：用 contains、starts_with 或 ends_with 找 #；用 trim 去掉了空格。",
    );
    let records = b"# \n #\n##\n#x\nx#\na # b\n \n  a  \n\ta\t\na\rb\n";
    assert_answer(&mut server, addr, &[&records[..], b"#\n"].concat(), "10\n");
    assert_saved(&mut server, dir.path(), records);
}

#[test]
fn record_that_is_not_utf8() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "一条记录中有不是 UTF-8 的字节：它也是一条记录（逐字节保存最好，无效的字节存为 � 也可以），\
         后面的记录照常保存。\n\
         常见原因：用了 read_line 或 lines，它们遇到无效的 UTF-8 返回错误。",
    );
    assert_answer(&mut server, addr, b"a\xff\xfe  1\nb  2\n#\n", "2\n");
    let content = saved(dir.path());
    if content != b"a\xff\xfe  1\nb  2\n" && content != "a��  1\nb  2\n".as_bytes() {
        server.fail(&format!("records.txt 中有两条记录，各占一行；实际是 {}", shown(&content)));
    }
}

#[test]
fn empty_lines_and_carriage_returns() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "行以 \\r\\n 结尾（Windows 上的习惯），中间有空行：\\n 前面的一个 \\r 不属于记录，空行不是记录。\n\
         常见原因：只去掉了 \\n，于是 “#\\r” 不等于 #；空行也计数。",
    );
    assert_answer(&mut server, addr, b"\n\r\na  1\r\n\n\r\nb  2\n\r\n#\r\n", "2\n");
    assert_answer(&mut server, addr, b"#\n", "0\n");
    assert_answer(&mut server, addr, b"\n#\n", "0\n");
    assert_saved(&mut server, dir.path(), b"a  1\nb  2\n");
}

#[test]
fn half_a_record_is_not_saved() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "客户端发送一条完整的记录和半条，没有 # 就关闭写方向：保存完整的一条，不回答。\n\
         常见原因：read 返回 0 之后还在循环；读到连接结束时，把剩下的半条也当作一条（lines、split 和 read_until 都会返回它）；\
         把连接结束当作 #。",
    );
    let mut client = connect(addr);
    send(&mut server, &mut client, "张三  18\n李四  1".as_bytes());
    client.shutdown(Shutdown::Write).unwrap();
    server.assert_closes(&mut client);
    assert_saved(&mut server, dir.path(), "张三  18\n".as_bytes());
    assert_answer(&mut server, addr, "王五  120\n#\n".as_bytes(), "1\n");
    assert_saved(&mut server, dir.path(), "张三  18\n王五  120\n".as_bytes());
}

#[test]
fn clients_that_vanish() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "客户端发送两条完整的记录之后没有发 # 就离开，什么也不发就离开，不读回答就重置连接：\n\
         完整的记录都应保存，服务端继续服务。\n\
         常见原因：记录留到收到 # 才写入文件；在循环中用 ? 或 unwrap，一个连接的错误结束了整个程序。",
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
    assert_answer(&mut server, addr, "王五  120\n#\n".as_bytes(), "1\n");
    assert_saved(&mut server, dir.path(), "张三  18\n李四  19\n王五  120\n".as_bytes());
    server.assert_running();
}

#[test]
fn what_follows_the_end_is_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "客户端在“#\\n”之后又发送 1 MiB，其中还有像记录和 # 的行，一半在收到回答之后：都应读完并丢弃，\
         只回答一次，连接正常关闭，不重置。\n\
         常见原因：回答之后立即关闭连接，还有没读的字节，系统就重置连接，对方可能收不到回答；\
         收到 # 之后继续保存。",
    );
    let mut client = connect(addr);
    let extra = "多余的一行\n#\n".repeat(30_000);
    send(&mut server, &mut client, format!("张三  18\n#\n{extra}").as_bytes());
    server.assert_receives(&mut client, "1\n");
    client.set_read_timeout(Some(PAUSE)).unwrap();
    let _ = client.peek(&mut [0]); // 立即关闭连接的服务端，这时已经关闭
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    for piece in extra.as_bytes().chunks(65_536) {
        send(&mut server, &mut client, piece);
    }
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
        "一个客户端得到回答之后不离开，也不再发送：下一个客户端照样得到服务，服务端最后关闭前一个连接。\n\
         常见原因：回答之后一直等客户端离开，没有时限。",
    );
    let mut staying = connect(addr);
    send(&mut server, &mut staying, "张三  18\n#\n".as_bytes());
    server.assert_receives(&mut staying, "1\n");
    assert_answer(&mut server, addr, "李四  19\n#\n".as_bytes(), "1\n");
    server.assert_closes(&mut staying);
    assert_saved(&mut server, dir.path(), "张三  18\n李四  19\n".as_bytes());
}

#[test]
fn line_of_65536_bytes_is_saved() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "一条记录有 65536 字节（不含 \\n）：没有超过限制，应保存。\n\
         常见原因：缓冲区太小；把 \\n 也算进了长度。",
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
        "一行有 65537 字节（不含 \\n），或者不停地发送而没有 \\n：结束这个客户端，不回答，\n\
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
fn two_clients_interleaved() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "两个客户端交替发送，第一个先发完：各自的记录完整，条数各算各的。\n\
         常见原因：两个连接共用了缓冲区或条数；离开的一个带走了另一个没有发完的记录。",
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
    let content = String::from_utf8_lossy(&saved(dir.path())).into_owned();
    let mut lines: Vec<&str> = content.lines().collect();
    lines.sort_unstable();
    if lines != ["孙八  22", "张三  18", "李四  19", "王五  120", "赵六  20"] {
        server.fail(&format!("records.txt 中有两个客户端的五条记录，各占一行；实际是 {content:?}"));
    }
}

#[test]
fn eight_clients_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "8 个客户端同时各发送 500 条记录：每条记录占一行，互不穿插，每个客户端的记录次序不变。\n\
         常见原因：记录和 \\n 分两次写入文件（writeln! 就是这样），中间插进了别的线程写的记录。",
    );
    let records = |client: usize| (0..500).map(move |i| format!("客户端 {client}  第 {i} 条"));
    let clients: Vec<TcpStream> = (0..8).map(|_| connect(addr)).collect();
    thread::scope(|scope| {
        for (i, mut client) in clients.iter().enumerate() {
            let message = records(i).collect::<Vec<_>>().join("\n") + "\n#\n";
            scope.spawn(move || client.write_all(message.as_bytes()));
        }
    });
    for mut client in clients {
        server.assert_receives(&mut client, "500\n");
    }
    let content = String::from_utf8_lossy(&saved(dir.path())).into_owned();
    for i in 0..8 {
        let own: Vec<&str> =
            content.lines().filter(|l| l.starts_with(&format!("客户端 {i}  "))).collect();
        if own != records(i).collect::<Vec<_>>() || content.lines().count() != 8 * 500 {
            server.fail(&format!(
                "records.txt 有 4000 行，其中 500 行依次是客户端 {i} 的记录；实际有 {} 行，其中 {} 行以“客户端 {i}”开头",
                content.lines().count(),
                own.len()
            ));
        }
    }
}

#[test]
#[cfg(target_os = "linux")] // /dev/full：写入总是失败，“设备上没有空间”
fn full_disk_is_not_answered() {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", dir.path().join("records.txt")).unwrap();
    let (mut server, addr) = start_server(
        dir.path(),
        "磁盘已满，记录无法写入文件：不应回答条数，让客户端知道没有保存。\n\
         常见原因：没有检查写文件的结果；BufWriter 离开作用域时才写入，错误没有人看见。",
    );
    let mut client = connect(addr);
    send(&mut server, &mut client, "张三  18\n#\n".as_bytes());
    server.assert_closes(&mut client);
    if server.stdout().contains("已保存") {
        server.fail("没有保存，就不打印“已保存”");
    }
}

#[test]
fn server_that_cannot_listen() {
    let (_listener, addr) = listen();
    let dir = tempfile::tempdir().unwrap();
    let args = ["server", &addr.to_string()];
    let mut server = Program::start_in(dir.path(), program(cargo_bin!()), &args);
    server.explain("端口已被占用：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。");
    server.assert_error(&["错误：", &addr.to_string()]);
}

#[test]
fn answer_in_pieces() {
    let (mut client, mut conn) = start_client(
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
fn answer_with_another_number() {
    let (mut client, mut conn) = start_client(
        "服务端回答“2\\n”，而记录有三条：不能显示 3，应显示服务端的条数，并当作错误。\n\
         常见原因：打印的是自己发送的条数，不是服务端的回答。",
    );
    client.assert_receives(&mut conn, MESSAGE);
    conn.write_all(b"2\n").unwrap();
    conn.shutdown(Shutdown::Write).unwrap();
    let end = Instant::now() + DEADLINE;
    while !client.stdout().contains("已保存 2 条") && !client.stderr().contains("错误：") {
        if Instant::now() > end || client.stdout().contains("已保存 3 条") {
            client.fail("打印“服务端已保存 2 条记录”，或者用一行错误说明条数不符");
        }
        client.wait_output(Duration::from_millis(20));
    }
    client.assert_closes(&mut conn);
}

#[test]
fn answer_that_is_not_a_number() {
    for answer in ["三\n", "\n", "x3\n"] {
        let (mut client, mut conn) = start_client(
            "服务端的回答不是数字：用一行错误说明，退出状态 1。\n\
             常见原因：parse().unwrap() 使程序崩溃；没有检查就把它打印出来。",
        );
        client.assert_receives(&mut conn, MESSAGE);
        conn.write_all(answer.as_bytes()).unwrap();
        conn.shutdown(Shutdown::Write).unwrap();
        client.assert_error(&["错误："]);
    }
}

#[test]
fn server_that_goes_away() {
    let (mut client, mut conn) = start_client(
        "服务端收到记录之后不回答，就关闭连接：用一行错误说明，退出状态 1。\n\
         常见原因：没有检查读到 0 字节；没有得到回答也打印“已保存”。",
    );
    client.assert_receives(&mut conn, MESSAGE);
    drop(conn);
    client.assert_error(&["错误："]);
    client.assert_stdout("");

    let (mut client, conn) = start_client(
        "服务端不读记录就关闭连接（连接被重置）：用一行错误说明，退出状态 1。\n\
         常见原因：对读写的结果用了 unwrap 或 expect。",
    );
    reset(conn);
    client.assert_error(&["错误："]);
    client.assert_stdout("");
}

#[test]
fn no_server() {
    let (listener, addr) = listen();
    drop(listener);
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain("没有服务端：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。");
    client.assert_error(&["错误：", &addr.to_string()]);
}
