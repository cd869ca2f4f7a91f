//! 记录上传的服务端。

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// 保存记录的文件，在当前工作目录中。
const RECORDS_FILE: &str = "records.txt";

/// 一行最多的字节数，含 `\n`：没有 `\n` 的数据也不会占满内存。
const MAX_LINE: u64 = 64 * 1024;

/// 客户端沉默这么久，就不再等它。
const TIMEOUT: Duration = Duration::from_secs(5);

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 端口 0 由系统选择端口，所以写出的是 local_addr，不是 addr；系统的错误中没有地址，要补上
    let tcp_socket = TcpListener::bind(addr).map_err(|e| format!("无法监听 {addr}：{e}"))?;
    eprintln!("记录服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        // 2. 服务完一个客户端，再接受下一个；一个客户端的错误只结束它自己，所以不用 ?
        match tcp_socket.accept() {
            Ok((conn, peer)) => {
                if let Err(e) = serve(&conn) {
                    eprintln!("没有服务完 {peer}：{e}");
                }
            }
            Err(e) => eprintln!("无法接受连接：{e}"),
        }
    }
}

/// 保存一个客户端的全部记录，回答条数；它沉默、一行过长、无法写入文件时返回错误。
fn serve(mut conn: &TcpStream) -> io::Result<()> {
    // 没有时限，一个沉默的客户端就使后面的永远等待；每收到一些字节，重新计时
    conn.set_read_timeout(Some(TIMEOUT))?;
    // 一个 BufReader 用到底：它会多读一些，每次新建就丢失了后面的记录
    let mut reader = BufReader::new(conn);
    let mut saved = 0;
    loop {
        // 3. 字节流没有边界，\n 就是边界
        let mut line = Vec::new();
        reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        // 4. 记录中可以有 #，所以比较整行；Windows 的习惯是 \n 前面有 \r
        match line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")) {
            Some(b"#") => break,
            Some(b"") => {}
            Some(record) => {
                append(record)?;
                saved += 1;
            }
            None => return Err(io::Error::other("没有发 # 就离开了，或者一行过长")),
        }
    }
    // 5. 记录已经全部写入文件，这时才能回答
    println!("已保存 {saved} 条记录");
    conn.write_all(format!("{saved}\n").as_bytes())?;
    // 还有没读的字节就关闭，系统会重置连接，回答可能丢失：先关闭写方向，再读到客户端关闭
    conn.shutdown(Shutdown::Write)?;
    io::copy(&mut reader, &mut io::sink())?;
    Ok(())
}

/// 在 `RECORDS_FILE` 末尾写入一行 `record`。
fn append(record: &[u8]) -> io::Result<()> {
    // 追加而不是新建：以前的记录保留；File 没有缓冲区，write_all 返回，记录就在文件里
    let mut file = File::options().create(true).read(true).append(true).open(RECORDS_FILE)?;
    // 磁盘写满、程序被强行终止，都可能留下半行：让它自成一行，新的记录不能接在它后面
    if !ends_with_newline(&mut file)? {
        file.write_all(b"\n")?;
    }
    file.write_all(&[record, b"\n"].concat())
}

/// `file` 是不是以 `\n` 结尾；空的文件也算。
fn ends_with_newline(file: &mut File) -> io::Result<bool> {
    let mut last = *b"\n";
    // 空的文件没有最后一个字节，seek 返回错误
    if file.seek(SeekFrom::End(-1)).is_ok() {
        file.read_exact(&mut last)?;
    }
    Ok(last == *b"\n")
}
