//! 图片上传的服务端。

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

/// 图片保存在工作目录，用这个文件名。
const PICTURE: &str = "new.jpg";

/// 接收中的图片：与 `PICTURE` 在同一个目录，收完才改名为 `PICTURE`。
const PART: &str = "new.jpg.part";

/// 客户端沉默这么久，就放弃它。
const SILENCE: Duration = Duration::from_secs(5);

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 监听 addr；在标准错误上写一行，以实际监听的地址结尾
    // 2. 循环接受连接，一个接一个地服务；出错时在标准错误上写一行，再等下一个客户端
    // 3. 设置读超时 SILENCE
    // 4. 把连接上的字节写入 PART，直到客户端关闭写方向
    // 5. 收到至少一个字节：把 PART 改名为 PICTURE；否则，PICTURE 保持原样
    // 6. 删除没有用上的 PART
    // 7. 保存了图片，打印“收到 … 字节，已保存为 new.jpg”；把字节数（0 也是）和 \n 发给客户端
    todo!("第 1 步：监听 {addr}；用到 {PICTURE}、{PART}、{SILENCE:?}")
}
