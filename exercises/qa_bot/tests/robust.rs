//! 问答机器人：真实的网络和真实的用户。

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::path::Path;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
#[cfg(unix)]
use testkit::fire::start_limited;
use testkit::{Program, TcpStream, connect, listen, nobody_listens, program, reset, timed_out};

/// 足够一个错误的程序露出破绽；正确的程序在这段时间里没有事做。
const PAUSE: Duration = Duration::from_millis(300);

/// 启动服务端，返回它和它的地址；`situation` 说明测试做什么。
#[track_caller]
fn start_server(situation: &str) -> (Program, SocketAddr) {
    let mut server = Program::start(program(cargo_bin!()), &["server", "127.0.0.1:0"]);
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
    client.wait_stdout(">>");
    (client, conn)
}

/// 客户端问 `你好`，测试收下它。
#[track_caller]
fn ask(client: &mut Program, conn: &mut TcpStream) {
    client.type_line("你好");
    client.assert_receives(conn, "你好\n");
}

/// 客户端以一行错误结束，说明做什么失败、服务端的地址 `addr`。
#[track_caller]
fn assert_client_error(client: &mut Program, addr: SocketAddr) {
    let addr = addr.to_string();
    client.assert_error(&["错误：", &addr]);
    let stderr = client.stderr();
    let line = stderr.lines().last().unwrap_or_default().replace("错误：", "");
    // 系统的回答不算：它是英文
    if !line.chars().any(|c| ('一'..='龥').contains(&c)) {
        client.fail("错误用中文说明做什么失败，例如“无法从 127.0.0.1:5555 接收：……”");
    }
}

/// 从 `stream` 收到一行 `line`，返回从第一个字到 `\n` 隔了多久。
#[track_caller]
fn receive_line(program: &mut Program, stream: &mut TcpStream, line: &str) -> Duration {
    let (first, rest) = line.split_at(line.chars().next().unwrap().len_utf8());
    program.assert_receives(stream, first);
    let start = Instant::now();
    program.assert_receives(stream, rest);
    start.elapsed()
}

/// 一行分两次写，后一次要等前一次得到确认，约 40 毫秒；机器再忙，一次写出的行也多半没有停顿。
#[track_caller]
fn assert_written_at_once(program: &mut Program, mut gaps: Vec<Duration>) {
    gaps.drain(..10); // 刚连接时系统立即确认，看不出来
    gaps.sort();
    let median = gaps[gaps.len() / 2];
    if median > Duration::from_millis(20) {
        program.fail(&format!("每一行一次写出；实际：一行之内多半停顿 {median:.0?}"));
    }
}

/// 服务端仍能为新的客户端服务。
#[track_caller]
fn assert_still_serving(server: &mut Program, addr: SocketAddr) {
    let mut client = connect(addr);
    client.write_all("你好\n".as_bytes()).unwrap();
    server.assert_receives(&mut client, "你好啊\n");
}

#[test]
fn question_in_pieces() {
    let (mut server, addr) = start_server(
        "问题“你叫什么名字\\n”分三段到达，第一段断在一个汉字中间，\\n 单独到达。\n\
         常见原因：把一次 read 当作一个问题；应读到 \\n 为止，读完整之后再转换为文字。",
    );
    let mut client = connect(addr);
    let question = "你叫什么名字\n".as_bytes();
    for piece in [&question[..4], &question[4..question.len() - 1]] {
        client.write_all(piece).unwrap();
        server.assert_silent(&mut client, PAUSE);
    }
    client.write_all(b"\n").unwrap();
    server.assert_receives(&mut client, "我叫小美\n");
}

#[test]
fn questions_glued_together() {
    let (mut server, addr) = start_server(
        "一次发出“你好\\n几岁\\n睡了\\n今天”，稍后发出“下雨吗\\n”：四个问题，四个回答。\n\
         常见原因：把一次 read 当作一个问题；每个问题新建一个 BufReader，丢失了多读的字节。",
    );
    let mut client = connect(addr);
    client.write_all("你好\n几岁\n睡了\n今天".as_bytes()).unwrap();
    server.assert_receives(&mut client, "你好啊\n我两岁啦\n吸引才是最重要的\n");
    client.write_all("下雨吗\n".as_bytes()).unwrap();
    server.assert_receives(&mut client, "人家还小，不知道。\n");
    server.assert_silent(&mut client, PAUSE);
}

#[test]
fn every_line_is_a_question() {
    let (mut server, addr) = start_server(
        "问题是空行、空格、##：没有关键字，照常回答“人家还小，不知道。”，连接不中断。\n\
         常见原因：把空行当作客户端离开；服务端也把 ## 当作结束（那是用户与客户端之间的约定）。",
    );
    let mut client = connect(addr);
    for question in ["\n", " \n", "##\n", "\n"] {
        client.write_all(question.as_bytes()).unwrap();
        server.assert_receives(&mut client, "人家还小，不知道。\n");
    }
}

#[test]
fn last_question_without_newline() {
    let (mut server, addr) = start_server(
        "客户端发出“几岁”，不发 \\n，就关闭写方向：这个问题同样要回答，然后结束连接。\n\
         常见原因：收到 0 字节之后没有结束，不停地回答；或者收到 0 字节就结束，没有处理已经读到的内容。",
    );
    let mut client = connect(addr);
    client.write_all("几岁".as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
    server.assert_closes(&mut client);
}

#[test]
fn answer_is_written_at_once() {
    let (mut server, addr) = start_server(
        "客户端问 20 个问题，测试量每个回答从第一个字到 \\n 隔了多久。\n\
         常见原因：回答和 \\n 分两次写，例如 writeln!(stream, …)：后一次要等前一次得到确认。\n\
         应先组成一行，再一次 write_all，见 docs/speed-and-faults.md 的“一行为什么要一次写出”。",
    );
    let mut client = connect(addr);
    let mut gaps = Vec::new();
    for _ in 0..20 {
        client.write_all("几岁\n".as_bytes()).unwrap();
        gaps.push(receive_line(&mut server, &mut client, "我两岁啦\n"));
    }
    assert_written_at_once(&mut server, gaps);
}

#[test]
fn question_that_is_not_utf8() {
    let (mut server, addr) = start_server(
        "问题中有不是 UTF-8 的字节：照常查找和回答，连接不中断。\n\
         常见原因：用了 read_line 或 String::from_utf8；应读字节，用 String::from_utf8_lossy 转换。",
    );
    let mut client = connect(addr);
    client.write_all(b"\xff\xfe\n").unwrap();
    server.assert_receives(&mut client, "人家还小，不知道。\n");
    // 在问题的开头、中间和末尾；半个汉字
    for place in [0, "你".len(), "你几岁".len()] {
        for bytes in [&b"\xff"[..], b"\xe4\xbd", b"\x80", b"\0"] {
            let mut question = "你几岁\n".as_bytes().to_vec();
            question.splice(place..place, bytes.iter().copied());
            client.write_all(&question).unwrap();
            server.assert_receives(&mut client, "我两岁啦\n");
        }
    }
    client.write_all("几岁".as_bytes()).unwrap();
    client.write_all(b"\xe5").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
}

#[test]
fn question_of_1024_bytes_is_answered() {
    let (mut server, addr) = start_server(
        "问题有 1024 字节（不含 \\n），关键字在末尾：没有超过限制，应回答。\n\
         常见原因：缓冲区太小；把 \\n 也算进了长度；没有等 \\n。",
    );
    let mut client = connect(addr);
    let question = "x".repeat(1024 - "几岁".len()) + "几岁";
    client.write_all((question.clone() + "\n").as_bytes()).unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
    // \n 单独到达
    client.write_all(question.as_bytes()).unwrap();
    server.assert_silent(&mut client, PAUSE);
    client.write_all(b"\n").unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
    // 最后一个问题，没有 \n
    client.write_all(question.as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
}

#[test]
fn question_over_1024_bytes_ends_its_connection_only() {
    let (mut server, addr) = start_server(
        "问题超过 1024 字节：不等 \\n，不查表，结束这个连接（可以先发一行说明），其他连接不受影响。\n\
         常见原因：read_until 没有长度限制；过长时仍然查表，或者只丢弃它；结束了整个程序；\n\
         结束了连接，标准错误上却没有说明：serve 返回的错误没有人写出。",
    );
    let mut other = connect(addr);
    let long = "几岁".to_string() + &"x".repeat(1025 - "几岁".len());
    for question in
        [&long, &(long.clone() + "\n"), &(long.clone() + "\n你好\n"), &"几岁".repeat(1000)]
    {
        let mut client = connect(addr);
        client.write_all(question.as_bytes()).unwrap();
        assert_ends(&mut server, &mut client);
    }
    let mut client = connect(addr);
    client.write_all(long.as_bytes()).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_ends(&mut server, &mut client);
    server.wait_stderr_lines(2);
    other.write_all("几岁\n".as_bytes()).unwrap();
    server.assert_receives(&mut other, "我两岁啦\n");
    assert_still_serving(&mut server, addr);
}

/// 服务端结束这个连接（关闭或重置）；之前可以发一行说明，不能是问答表中的回答。
#[track_caller]
fn assert_ends(server: &mut Program, client: &mut TcpStream) {
    let mut received = Vec::new();
    let mut buffer = [0; 1000];
    while received.len() < 1000 {
        match client.read(&mut buffer) {
            Ok(n @ 1..) => received.extend_from_slice(&buffer[..n]),
            Err(e) if timed_out(&e) => server.fail("服务端结束连接；实际：连接仍然打开"),
            _ => break, // 重置也是结束
        }
    }
    let received = String::from_utf8_lossy(&received).into_owned();
    let answers = ["你好啊", "我两岁啦", "人家还小，不知道。"];
    if received.lines().count() > 1 || answers.iter().any(|answer| received.contains(answer)) {
        server.fail(&format!("最多发一行说明，就结束连接；实际收到 {received:?}"));
    }
}

#[test]
fn clients_that_vanish() {
    let (mut server, addr) = start_server(
        "客户端什么也不问就离开、问到一半离开、不读回答就重置连接：服务端继续服务。\n\
         常见原因：在循环中用 ? 或 unwrap，一个连接的错误结束了整个程序。",
    );
    drop(connect(addr));
    let mut client = connect(addr);
    client.write_all("你叫".as_bytes()).unwrap();
    drop(client);
    for _ in 0..3 {
        let mut client = connect(addr);
        client.write_all("你好\n".as_bytes()).unwrap();
        reset(client);
    }
    server.assert_silent(&mut connect(addr), PAUSE); // 因此结束的程序，这时也结束了
    assert_still_serving(&mut server, addr);
    server.assert_running();
}

#[test]
fn fifty_clients_at_once() {
    let (mut server, addr) = start_server(
        "50 个客户端同时连接，各发半个问题，再各发后半个：每个都得到自己的回答。\n\
         常见原因：一次只服务一个客户端；多个客户端共用了缓冲区。",
    );
    let mut clients: Vec<TcpStream> = (0..50).map(|_| connect(addr)).collect();
    for client in &mut clients {
        client.write_all("你是男生".as_bytes()).unwrap();
    }
    for client in clients.iter_mut().rev() {
        client.write_all("女生\n".as_bytes()).unwrap();
        server.assert_receives(client, "我是机器人\n");
    }
}

#[test]
fn idle_client_is_kept() {
    let (mut server, addr) = start_server(
        "客户端连接之后思考 6 秒才提问：连接应当还在。\n\
         常见原因：设置了读超时，把思考的人当作离开的人。",
    );
    let mut client = connect(addr);
    server.assert_silent(&mut client, Duration::from_secs(6));
    client.write_all("几岁\n".as_bytes()).unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
}

#[test]
fn client_that_does_not_read() {
    let (mut server, addr) = start_server(
        "一个客户端不停地提问，从不读回答，直到双方的缓冲区都满了：要等的只是它自己，别人照常得到回答。\n\
         常见原因：发送的时候占着大家共用的锁；由一个线程轮流服务所有的客户端。",
    );
    let (mut rude, mut other) = (connect(addr), connect(addr));
    rude.set_write_timeout(Some(PAUSE)).unwrap();
    let questions = "几岁\n".repeat(10_000);
    let mut full = 0; // 接连几次一个字节也写不进去：少数几次可能只是机器忙
    let end = Instant::now() + Duration::from_secs(6); // 在 Windows 上写满缓冲区要慢得多
    while full < 8 && Instant::now() < end {
        match rude.write(questions.as_bytes()) {
            Ok(_) => full = 0,
            Err(e) if timed_out(&e) => {
                full += 1;
                other.write_all("你好\n".as_bytes()).unwrap();
                server.assert_receives(&mut other, "你好啊\n");
            }
            Err(_) => break, // 服务端断开它，也不影响别人
        }
    }
    assert_still_serving(&mut server, addr);
}

#[test]
fn server_that_cannot_listen() {
    let (_listener, addr) = listen();
    let mut server = Program::start(program(cargo_bin!()), &["server", &addr.to_string()]);
    server.explain(
        "端口已被占用：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n\
         常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。",
    );
    assert_client_error(&mut server, addr);
}

#[test]
#[cfg(unix)]
fn descriptors_run_out() {
    let (mut server, addr) = start_limited(
        Path::new("."),
        "ulimit -n 20",
        &program(cargo_bin!()),
        &["server", "127.0.0.1:0"],
        "服务端最多 20 个描述符，同时有 30 个连接：在标准错误上写一行，稍等再试，已有的客户端照常得到回答；\n\
         有人离开之后，又能接受新的连接。\n\
         常见原因：在接受连接的循环中用了 ? 或 unwrap；只写 continue，循环空转，占满一个处理器。",
    );
    let mut client = connect(addr);
    client.write_all("几岁\n".as_bytes()).unwrap();
    server.assert_receives(&mut client, "我两岁啦\n");
    let others: Vec<TcpStream> = (0..30).map(|_| connect(addr)).collect();
    server.wait_stderr_lines(2);
    let (lines, before) = (server.stderr().lines().count(), server.processor_time());
    server.assert_silent(&mut client, Duration::from_millis(500));
    if server.stderr().lines().count() > lines + 50 {
        server.fail("每次失败之后停 100 毫秒再试；实际：不停地写错误");
    }
    if server.processor_time() > before + Duration::from_millis(50) {
        server.fail("每次失败之后停 100 毫秒再试；实际：循环空转，占用处理器");
    }
    client.write_all("你好\n".as_bytes()).unwrap();
    server.assert_receives(&mut client, "你好啊\n");
    drop(others);
    assert_still_serving(&mut server, addr);
}

#[test]
fn question_is_written_at_once() {
    let (mut client, mut conn) = start_client(
        "用户问 20 个问题，测试量每个问题从第一个字到 \\n 隔了多久。\n\
         常见原因：问题和 \\n 分两次写，例如 writeln!(stream, …)：后一次要等前一次得到确认。\n\
         应先组成一行，再一次 write_all，见 docs/speed-and-faults.md 的“一行为什么要一次写出”。",
    );
    let mut gaps = Vec::new();
    for _ in 0..20 {
        client.type_line("你今年几岁");
        gaps.push(receive_line(&mut client, &mut conn, "你今年几岁\n"));
        conn.write_all("我两岁啦\n".as_bytes()).unwrap();
        client.wait_stdout("我两岁啦\n>>");
    }
    assert_written_at_once(&mut client, gaps);
}

#[test]
fn answer_in_pieces() {
    let (mut client, mut conn) = start_client(
        "一个很长的回答分三段到达，断在汉字中间，\\n 单独到达：到齐之后原样打印，占一行。\n\
         常见原因：把一次 read 当作一个回答；缓冲区太小，其余部分成了下一个问题的回答；用 trim 去掉了空格。",
    );
    ask(&mut client, &mut conn);
    let answer = format!("  {}  ", "汉字".repeat(500));
    for piece in [&answer.as_bytes()[..4], &answer.as_bytes()[4..]] {
        conn.write_all(piece).unwrap();
        client.assert_quiet(PAUSE);
    }
    conn.write_all(b"\n").unwrap();
    client.wait_stdout(">>");
    client.assert_stdout(&format!(">>{answer}\n>>"));
}

#[test]
fn answer_that_is_not_utf8() {
    let (mut client, mut conn) = start_client(
        "回答的开头、中间和末尾有不是 UTF-8 的字节：显示为 �，程序继续。\n\
         常见原因：用了 read_line 或 String::from_utf8；应读字节，用 String::from_utf8_lossy 转换。",
    );
    ask(&mut client, &mut conn);
    conn.write_all(b"\xffa\xffb\xff\n").unwrap();
    client.wait_stdout("�a�b�\n>>");
    ask(&mut client, &mut conn);
    conn.write_all("你好啊\n".as_bytes()).unwrap();
    client.wait_stdout("你好啊\n>>");
}

#[test]
fn answer_of_65536_bytes_is_printed() {
    let (mut client, mut conn) = start_client(
        "回答有 65536 字节（不含 \\n）：没有超过限制，应打印，占一行。\n\
         常见原因：把 \\n 也算进了长度；限制得太小。",
    );
    ask(&mut client, &mut conn);
    let answer = "x".repeat(65_536);
    conn.write_all((answer.clone() + "\n").as_bytes()).unwrap();
    client.wait_stdout(">>");
    client.assert_stdout(&format!(">>{answer}\n>>"));
}

#[test]
fn answer_over_65536_bytes_is_an_error() {
    for end in ["", "\n"] {
        let (mut client, mut conn) = start_client(
            "服务端发来的回答超过 65536 字节：不等 \\n，用一行错误说明，退出状态 1。\n\
             常见原因：read_until 没有长度限制，服务端一直发送，就占满内存。",
        );
        ask(&mut client, &mut conn);
        let _ = conn.write_all(("x".repeat(65_537) + end).as_bytes()); // 客户端可以不读完就离开
        assert_client_error(&mut client, conn.local_addr().unwrap());
        client.assert_stdout(">>");
    }
}

#[test]
fn empty_line_prompts_again() {
    let (mut client, mut conn) = start_client(
        "用户在空行上按回车，再输入问题：空行不发送，再次显示 >>。\n\
         常见原因：空行也发给了服务端；空行被当作输入结束。",
    );
    client.type_line("");
    client.wait_stdout(">>");
    ask(&mut client, &mut conn);
}

#[test]
fn line_that_contains_the_end_mark() {
    let (mut client, mut conn) = start_client(
        "用户的问题中含有 ##，或者以 ## 开头：它是问题，照常发送；只有独占一行的 ## 才是结束。\n\
         常见原因：用了 contains 或 starts_with。",
    );
    for question in ["C## 是什么", "##你好", "###"] {
        client.type_line(question);
        client.assert_receives(&mut conn, &format!("{question}\n"));
        conn.write_all("你好啊\n".as_bytes()).unwrap();
        client.wait_stdout("你好啊\n>>");
    }
}

#[test]
fn end_of_input_ends_the_client() {
    let (mut client, mut conn) = start_client(
        "用户按 Ctrl-D：客户端什么也不发，正常结束，退出状态 0。\n\
         常见原因：没有处理 read_line 返回 0，程序不停地显示 >> 或发送空行。",
    );
    client.end_input();
    client.assert_closes(&mut conn);
    client.assert_exit(0);

    let (mut client, mut conn) = start_client(
        "输入的最后一行没有换行：照常提问，打印回答，然后结束，退出状态 0。\n\
         常见原因：要求读到的一行以 \\n 结尾。",
    );
    client.type_bytes("几岁".as_bytes());
    client.end_input();
    client.assert_receives(&mut conn, "几岁\n");
    conn.write_all("我两岁啦\n".as_bytes()).unwrap();
    client.wait_stdout("我两岁啦\n>>");
    client.assert_closes(&mut conn);
    client.assert_exit(0);
}

#[test]
fn typed_line_that_ends_with_crlf() {
    let (mut client, mut conn) = start_client(
        "用户的终端以 \\r\\n 换行（Windows）：\\r 不是问题的一部分，## 仍是结束。\n\
         常见原因：只去掉了 \\n。",
    );
    client.type_bytes("几岁\r\n".as_bytes());
    client.assert_receives(&mut conn, "几岁\n");
    conn.write_all("我两岁啦\n".as_bytes()).unwrap();
    client.wait_stdout("我两岁啦\n>>");
    client.type_bytes(b"##\r\n");
    client.assert_closes(&mut conn);
    client.assert_exit(0);
}

#[test]
fn typed_bytes_that_are_not_utf8() {
    let (mut client, mut conn) = start_client(
        "用户的输入中有半个汉字（退格只删去了它的一部分）：无效的字节以 � 发送，程序继续。\n\
         常见原因：用了 read_line 或 lines，它们遇到无效的 UTF-8 返回错误。",
    );
    for (typed, question) in [
        (&b"a\xe4\xbd\n"[..], "a�\n"),
        (b"\xffa\n", "�a\n"),
        (b"a\xffb\n", "a�b\n"),
        (b"\xff\n", "�\n"),
    ] {
        client.type_bytes(typed);
        client.assert_receives(&mut conn, question);
        conn.write_all("我两岁啦\n".as_bytes()).unwrap();
        client.wait_stdout("我两岁啦\n>>");
    }
}

#[test]
fn server_that_goes_away() {
    let (mut client, mut conn) = start_client(
        "服务端收到问题后关闭连接：客户端用一行错误说明，退出状态 1。\n\
         常见原因：没有检查读到 0 字节，打印了空的回答。",
    );
    let addr = conn.local_addr().unwrap();
    ask(&mut client, &mut conn);
    drop(conn);
    assert_client_error(&mut client, addr);

    let (mut client, conn) = start_client(
        "服务端不读问题就关闭，连接被重置：客户端用一行错误说明，退出状态 1。\n\
         常见原因：对读写的结果用了 unwrap，或者只用了 ?，错误中没有地址。",
    );
    let addr = conn.local_addr().unwrap();
    client.type_line("你好");
    reset(conn);
    assert_client_error(&mut client, addr);

    let (mut client, mut conn) = start_client(
        "用户还在思考，服务端重置了连接，然后用户提问：客户端用一行错误说明，退出状态 1。\n\
         常见原因：对发送的结果用了 unwrap，或者只用了 ?，错误中没有地址。",
    );
    let addr = conn.local_addr().unwrap();
    client.type_line("你好");
    client.assert_receives(&mut conn, "你好"); // \n 留着不读，关闭就是重置
    conn.write_all("你好啊\n".as_bytes()).unwrap();
    client.wait_stdout("你好啊\n>>");
    reset(conn);
    client.type_line("几岁");
    assert_client_error(&mut client, addr);
}

#[test]
fn half_an_answer_is_an_error() {
    for half in ["你好".as_bytes(), b"\xe4\xbd"] {
        let (mut client, mut conn) = start_client(
            "回答发到一半，没有 \\n，服务端就关闭连接：不打印半个回答，用一行错误说明，退出状态 1。\n\
             常见原因：只检查了读到 0 字节；应检查读到的以 \\n 结尾。",
        );
        ask(&mut client, &mut conn);
        conn.write_all(half).unwrap();
        let addr = conn.local_addr().unwrap();
        drop(conn);
        assert_client_error(&mut client, addr);
        client.assert_stdout(">>");
    }
}

#[test]
fn no_server() {
    let (_used, addr) = nobody_listens();
    let mut client = Program::start(program(cargo_bin!()), &["client", &addr.to_string()]);
    client.explain(
        "没有服务端：用一行错误说明做什么失败、哪个地址、系统的回答，退出状态 1。\n\
         常见原因：只用了 ?，错误中没有地址；应加上 map_err，见 tcp_server 和 tcp_client。",
    );
    assert_client_error(&mut client, addr);
}
