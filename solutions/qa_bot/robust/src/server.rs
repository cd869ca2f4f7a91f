//! 问答机器人的服务端。

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// 课程的问答表：问题中出现左边的关键字，就回答右边的话；按次序查找，取第一个出现的。
const ANSWERS: [(&str, &str); 5] = [
    ("你好", "你好啊"),
    ("叫什么", "我叫小美"),
    ("几岁", "我两岁啦"),
    ("男生女生", "我是机器人"),
    ("睡了", "吸引才是最重要的"),
];

/// 没有关键字出现时的回答。
const UNKNOWN: &str = "人家还小，不知道。";

/// 一个问题最多的字节数，含 `\n`：没有 `\n` 的数据也不会占满内存。
const MAX_QUESTION: u64 = 1024;

/// 不能接受连接时，停这么久再试。
const RETRY: Duration = Duration::from_millis(100);

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr；系统的错误中没有地址，要补上
    let tcp_socket = TcpListener::bind(addr).map_err(|e| format!("无法监听 {addr}：{e}"))?;
    eprintln!("问答服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        // 描述符或线程用完时，立即重试只是空转：停一停，等别的客户端离开
        if let Err(e) = accept(&tcp_socket) {
            eprintln!("无法接受连接：{e}");
            thread::sleep(RETRY);
        }
    }
}

/// 接受一个连接，交给一个新线程；描述符或线程用完时返回错误。
fn accept(tcp_socket: &TcpListener) -> io::Result<()> {
    // 2. 每个连接一个线程：客户端思考多久，都只占用自己的线程
    let (conn, _) = tcp_socket.accept()?;
    thread::Builder::new().spawn(move || serve(&conn))?; // thread::spawn 在线程用完时会崩溃
    Ok(())
}

/// 回答一个客户端的全部问题，直到它离开；问题过长时返回错误。
fn serve(mut conn: &TcpStream) -> io::Result<()> {
    // 一个 BufReader 用到底：它会多读一些，每次新建就丢失了后面的问题
    let mut reader = BufReader::new(conn);
    let mut data = Vec::new();
    // 3. 字节流没有边界，\n 就是边界；0 字节：客户端已经离开
    while reader.by_ref().take(MAX_QUESTION).read_until(b'\n', &mut data)? > 0 {
        // 没有 \n 而又不过长，是离开之前的最后一个问题，同样回答
        if data.len() as u64 == MAX_QUESTION && !data.ends_with(b"\n") {
            return Err(io::Error::other("问题过长"));
        }
        // 4. 回答和 \n 一次写出：分两次写，后一次要等前一次得到确认
        let answer = answer(&String::from_utf8_lossy(&data));
        conn.write_all(format!("{answer}\n").as_bytes())?;
        data.clear(); // read_until 加在末尾：不清空，下一个问题就含有这一个
    }
    Ok(())
}

/// 问题 `question` 的回答。
pub fn answer(question: &str) -> &'static str {
    let found = ANSWERS.iter().find(|(keyword, _)| question.contains(keyword));
    found.map_or(UNKNOWN, |(_, answer)| answer)
}
