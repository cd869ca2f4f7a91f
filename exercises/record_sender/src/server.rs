//! 记录上传的服务端。

use std::error::Error;
use std::net::SocketAddr;

/// 保存记录的文件，在当前工作目录中。
const RECORDS_FILE: &str = "records.txt";

/// 在 `addr` 上启动服务端，一直运行；无法监听时返回错误。
pub fn run(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    // 1. 监听 addr；在标准错误上写一行，以实际监听的地址（local_addr）结尾
    // 2. 循环接受连接，服务完一个客户端，再接受下一个
    // 3. 循环读一行，每次读到 \n 为止
    // 4. 单独一个 # 的一行是结束；其余每条记录追加到 RECORDS_FILE，占一行，计数
    // 5. 收到结束的一行：在标准输出上写“已保存 {n} 条记录”，把条数加 \n 发给客户端
    todo!("第 1 步：监听 {addr}；用到 {RECORDS_FILE}")
}
