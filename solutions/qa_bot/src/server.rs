//! 问答机器人的服务端。

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

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

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr
    let tcp_socket = TcpListener::bind(addr)?;
    eprintln!("问答服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        // 2. 每个连接一个线程：客户端思考多久，都只占用自己的线程
        let (conn, _) = tcp_socket.accept()?;
        thread::spawn(move || serve(&conn));
    }
}

/// 回答一个客户端的全部问题，直到它离开。
fn serve(mut conn: &TcpStream) -> io::Result<()> {
    // 一个 BufReader 用到底：它会多读一些，每次新建就丢失了后面的问题
    let mut reader = BufReader::new(conn);
    let mut data = Vec::new();
    // 3. 字节流没有边界，\n 就是边界；0 字节：客户端已经离开
    while reader.read_until(b'\n', &mut data)? > 0 {
        // 4. 回答和 \n 一次写出：分两次写，后一次要等前一次得到确认
        let answer = answer(&String::from_utf8_lossy(&data));
        conn.write_all(format!("{answer}\n").as_bytes())?;
        data.clear(); // read_until 加在末尾：不清空，下一个问题就含有这一个
    }
    Ok(())
}

/// 问题 `question` 的回答（`examples` 中的程序也用它）。
pub fn answer(question: &str) -> &'static str {
    let found = ANSWERS.iter().find(|(keyword, _)| question.contains(keyword));
    found.map_or(UNKNOWN, |(_, answer)| answer)
}
