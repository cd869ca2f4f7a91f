//! 图片上传的服务端。

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// 图片保存在工作目录，用这个文件名。
const PICTURE: &str = "new.jpg";

/// 接收中的图片：与 `PICTURE` 在同一个目录，收完才改名为 `PICTURE`。
const PART: &str = "new.jpg.part";

/// 客户端沉默这么久，就放弃它。
const SILENCE: Duration = Duration::from_secs(5);

/// 无法接受连接（例如描述符用完）时，过这么久再试：立即重试只是空转。
const RETRY: Duration = Duration::from_millis(100);

/// 一次最多读写的字节数：`io::copy` 自己的缓冲区只有 8 KiB，系统调用多，慢得多。
const BUFFER_SIZE: usize = 4_194_304; // 4 MiB

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr
    let tcp_socket = TcpListener::bind(addr).map_err(|e| format!("无法监听 {addr}：{e}"))?;
    eprintln!("图片服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        // 2. 服务完一个客户端，再接受下一个；循环中不用 ?：一个客户端的错误只属于它自己
        let (conn, peer) = match tcp_socket.accept() {
            Ok(accepted) => accepted,
            Err(e) => {
                let _ = writeln!(io::stderr(), "无法接受连接：{e}");
                thread::sleep(RETRY);
                continue;
            }
        };
        if let Err(e) = serve(&conn) {
            let _ = writeln!(io::stderr(), "无法完成 {peer} 的上传：{e}");
        }
        // PART 还在，就是空的，或者没有收完；已经改名时，删除出错，不必理会
        let _ = fs::remove_file(PART);
    }
}

/// 接收一个客户端的图片，回答字节数；出错时不回答，原来的图片不变。
fn serve(mut conn: &TcpStream) -> io::Result<()> {
    // 没有时限，一个沉默的客户端就会让后面的客户端一直等待
    conn.set_read_timeout(Some(SILENCE))?;
    // 3. 一次 read 只是已经到达的一段；io::copy 读到 0 字节为止，那才是客户端关闭了写方向
    let mut data = BufReader::with_capacity(BUFFER_SIZE, conn);
    let n = io::copy(&mut data, &mut File::create(PART)?)?;
    // 改名一步完成：别的程序看到的 PICTURE 是旧的，或者是完整的新图片，没有半张；空的不算图片
    if n > 0 {
        fs::rename(PART, PICTURE)?;
        // println! 写不出去时（例如 | head -1）会崩溃；图片已经保存，少写一行不要紧
        let _ = writeln!(io::stdout(), "收到 {n} 字节，已保存为 {PICTURE}");
    }
    // 4. 保存好了才回答：客户端得到字节数，图片就一定已经保存
    conn.write_all(format!("{n}\n").as_bytes())
}
