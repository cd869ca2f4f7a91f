//! 记录上传的服务端。

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// 保存记录的文件，在当前工作目录中。
const RECORDS_FILE: &str = "records.txt";

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr
    let tcp_socket = TcpListener::bind(addr)?;
    eprintln!("记录服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        // 2. 服务完一个客户端，再接受下一个
        let (conn, _) = tcp_socket.accept()?;
        serve(&conn)?;
    }
}

/// 保存一个客户端的全部记录，回答条数。
fn serve(mut conn: &TcpStream) -> io::Result<()> {
    // 一个 BufReader 用到底：它会多读一些，每次新建就丢失了后面的记录
    let mut reader = BufReader::new(conn);
    let mut saved = 0;
    loop {
        // 3. 字节流没有边界，\n 就是边界
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        // 4. 记录中可以有 #，所以比较整行
        match line.strip_suffix(b"\n") {
            Some(b"#") => break,
            Some(record) => {
                append(record)?;
                saved += 1;
            }
            None => return Ok(()), // 客户端没有发 # 就离开了
        }
    }
    // 5. 记录已经全部写入文件，这时才能回答
    println!("已保存 {saved} 条记录");
    conn.write_all(format!("{saved}\n").as_bytes())
}

/// 在 `RECORDS_FILE` 末尾写入一行 `record`。
fn append(record: &[u8]) -> io::Result<()> {
    // 追加而不是新建：以前的记录保留；File 没有缓冲区，write_all 返回，记录就在文件里
    let mut file = File::options().create(true).append(true).open(RECORDS_FILE)?;
    file.write_all(&[record, b"\n"].concat())
}
