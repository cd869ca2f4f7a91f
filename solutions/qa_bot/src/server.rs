//! 问答机器人的服务端。

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
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

/// 一个问题最多的字节数，不含换行。
const MAX_QUESTION: usize = 1024;

/// 同时服务的客户端最多的个数：一个线程占四段内存映射，Linux 默认一个进程最多 65530 段，用完就会崩溃。
const MAX_CLIENTS: usize = 10_000;

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr
    let listener = TcpListener::bind(addr).map_err(|e| format!("无法监听 {addr}：{e}"))?;
    eprintln!("问答服务端已启动：{}", listener.local_addr()?);
    let clients = Arc::new(()); // 每个线程持有一份，结束时归还：份数比客户端多一
    loop {
        // 2. 每个连接一个线程：客户端思考多久，都只占用自己的线程
        let result = listener.accept().and_then(|(stream, peer)| {
            if Arc::strong_count(&clients) > MAX_CLIENTS {
                return Err(io::Error::other("客户端太多"));
            }
            let client = Arc::clone(&clients);
            thread::Builder::new().spawn(move || {
                let _client = client;
                if let Err(e) = serve(&stream) {
                    eprintln!("{peer}：{e}");
                }
            })
        });
        // 描述符或线程用完时，立即重试只是空转：等别的连接结束
        if let Err(e) = result {
            eprintln!("无法接受连接：{e}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// 回答一个客户端的全部问题，直到它关闭；问题过长时返回错误。
fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        // 3. 字节流没有边界，\n 就是边界；只限读 MAX_QUESTION + 1 字节，没有换行的数据不会占满内存
        let mut question = Vec::new();
        reader.by_ref().take(MAX_QUESTION as u64 + 1).read_until(b'\n', &mut question)?;
        if question.is_empty() {
            return Ok(()); // 客户端已经关闭
        }
        // 5. 没有 \n 而又不过长，是关闭之前的最后一个问题：同样回答
        if question.len() > MAX_QUESTION && !question.ends_with(b"\n") {
            return Err(io::Error::other(format!("问题超过 {MAX_QUESTION} 字节")));
        }
        // 4. 回答与 \n 一次写出；分两次写，后一次可能要等前一次得到确认
        let answer = answer(&String::from_utf8_lossy(&question));
        stream.write_all(format!("{answer}\n").as_bytes())?;
    }
}

/// 问题 `question` 的回答。
pub fn answer(question: &str) -> &'static str {
    let found = ANSWERS.iter().find(|(keyword, _)| question.contains(keyword));
    found.map_or(UNKNOWN, |(_, answer)| answer)
}
