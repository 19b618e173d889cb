//! The way into a project's database: an address of its own on this machine, port 5432, where the
//! first message of a session is rewritten and everything after it passes.
//!
//! What a client calls database `postgres` and role `postgres` are the project's own; the server
//! behind has them under other names. The pooler's address serves all projects, told apart by what
//! follows the role's name, as Supavisor does it. Both speak TLS with who asks for it.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL: u32 = 80_877_102;

/// Decides whose database a session is for: nothing lets nobody in, and says why.
pub(crate) type Route = Arc<dyn Fn(&str) -> Result<Passage, (String, String)> + Send + Sync>;

/// What a session becomes behind the address.
pub(crate) struct Passage {
    pub(crate) reference: String,
    /// The role's name without the pooler's suffix.
    pub(crate) user: String,
    /// The socket of its server.
    pub(crate) socket: PathBuf,
}

/// A client, in the clear or not.
trait Client: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Client for T {}

/// Serves an address until it is dropped.
pub(crate) async fn serve(
    listener: TcpListener,
    socket: PathBuf,
    tls: Option<TlsAcceptor>,
    route: Route,
) {
    let mut sessions = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (socket, tls, route) = (socket.clone(), tls.clone(), Arc::clone(&route));
        sessions.spawn(async move { drop(session(client, socket, tls, route).await) });
        while sessions.try_join_next().is_some() {}
    }
}

async fn session(
    client: TcpStream,
    socket: PathBuf,
    tls: Option<TlsAcceptor>,
    route: Route,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut client: Box<dyn Client> = Box::new(client);
    let message = loop {
        let length = client.read_u32().await?;
        let code = client.read_u32().await?;
        if matches!(code, SSL_REQUEST | GSS_REQUEST) {
            match &tls {
                Some(tls) if code == SSL_REQUEST => {
                    client.write_all(b"S").await?;
                    client = Box::new(tls.accept(client).await?);
                }
                _ => client.write_all(b"N").await?,
            }
            continue;
        }
        let size = (length as usize).saturating_sub(8).min(10_000);
        let mut rest = vec![0; size];
        client.read_exact(&mut rest).await?;
        if code == CANCEL {
            let mut server = UnixStream::connect(&socket).await?;
            server.write_u32(length).await?;
            server.write_u32(code).await?;
            return server.write_all(&rest).await;
        }
        break (code, rest);
    };
    let mut fields: Vec<String> = message
        .1
        .split(|byte| *byte == 0)
        .map(|f| String::from_utf8_lossy(f).into_owned())
        .collect();
    fields.retain(|field| !field.is_empty());
    let user = value(&fields, "user").unwrap_or_default();
    let passage = match route(&user) {
        Ok(passage) => passage,
        Err((sqlstate, text)) => return refuse(&mut client, &sqlstate, &text).await,
    };
    let reference = &passage.reference;
    let user = match passage.user.as_str() {
        "postgres" => format!("postgres_{reference}"),
        "cli_login_postgres" => format!("cli_login_{reference}"),
        other => other.to_owned(),
    };
    let mut start = Vec::new();
    for pair in fields.chunks(2) {
        let [name, given] = pair else { continue };
        let given = match name.as_str() {
            "user" => &user,
            "database" if given == "postgres" => &format!("p_{reference}"),
            _ => given,
        };
        for text in [name.as_str(), given] {
            start.extend_from_slice(text.as_bytes());
            start.push(0);
        }
    }
    start.push(0);
    let mut server = UnixStream::connect(&passage.socket).await?;
    server.write_u32(u32::try_from(start.len() + 8).unwrap()).await?;
    server.write_u32(message.0).await?;
    server.write_all(&start).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

fn value(fields: &[String], name: &str) -> Option<String> {
    let pair = fields.chunks(2).find(|pair| pair[0] == name)?;
    pair.get(1).cloned()
}

async fn refuse(client: &mut impl Client, sqlstate: &str, text: &str) -> std::io::Result<()> {
    let mut body = Vec::new();
    for (kind, field) in [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', sqlstate), (b'M', text)] {
        body.push(kind);
        body.extend_from_slice(field.as_bytes());
        body.push(0);
    }
    body.push(0);
    client.write_u8(b'E').await?;
    client.write_u32(u32::try_from(body.len() + 4).unwrap()).await?;
    client.write_all(&body).await?;
    client.shutdown().await
}
