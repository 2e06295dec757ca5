import Cryptography
import Foundation
import NIOCore
import NIOSSL
import Sealing
import Synchronization

/// One side's certificate and key for TLS 1.3, and how the other side is known: by the fingerprint of its certificate, as the
/// roster has it. Host names and certificate authorities decide nothing.
public struct PinnedTLS: Sendable {
    private let certificate: NIOSSLCertificate
    private let key: NIOSSLPrivateKey

    /// Takes the P-256 certificate and key of an identity.
    ///
    /// - Throws: `OpenSSLError`, `NIOSSLError`.
    public init(_ identity: Identity) throws {
        certificate = try NIOSSLCertificate(bytes: Array(identity.certificate.pem().utf8), format: .pem)
        var pem = try identity.signingKey.pkcs8PEM().exposed()
        defer { pem.wipe() }
        key = try NIOSSLPrivateKey(bytes: pem, format: .pem)
    }

    /// A handler for one incoming connection; a client without a certificate of the roster does not get through the handshake.
    ///
    /// - Parameters:
    ///   - names: fingerprint → participant.
    ///   - peer: told who it is.
    func serverHandler(_ context: NIOSSLContext, names: [String: String], peer: PeerName) -> NIOSSLServerHandler {
        NIOSSLServerHandler(context: context) { chain, promise in
            guard let fingerprint = Self.fingerprint(chain), let name = names[fingerprint] else {
                return promise.succeed(.failed)
            }
            peer.name = name
            promise.succeed(.certificateVerified)
        }
    }

    /// A handler for one outgoing connection to the party with a certificate.
    ///
    /// - Parameter peer: told `fingerprint` once the certificate was right; stays nil for any other.
    func clientHandler(
        _ context: NIOSSLContext,
        fingerprint: String,
        peer: PeerName
    ) throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: nil) { chain, promise in
            let found = Self.fingerprint(chain)
            guard found == fingerprint else {
                peer.stranger = found
                return promise.succeed(.failed)
            }
            peer.name = fingerprint
            promise.succeed(.certificateVerified)
        }
    }

    func serverContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)],
            privateKey: .privateKey(key)
        )
        // Any value but none makes a client certificate a must; who it is, our callback decides.
        configuration.certificateVerification = .noHostnameVerification
        configuration.minimumTLSVersion = .tlsv13
        return try NIOSSLContext(configuration: configuration)
    }

    func clientContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateChain = [.certificate(certificate)]
        configuration.privateKey = .privateKey(key)
        configuration.certificateVerification = .noHostnameVerification
        configuration.minimumTLSVersion = .tlsv13
        return try NIOSSLContext(configuration: configuration)
    }

    private static func fingerprint(_ chain: [NIOSSLCertificate]) -> String? {
        guard let leaf = chain.first, let bytes = try? leaf.toDERBytes() else { return nil }
        return SHA256.digest(bytes).hexadecimal
    }
}

/// Who is at the other end of a connection: set in the handshake, read afterwards.
final class PeerName: Sendable {
    private let state = Mutex<(name: String?, stranger: String?)>((nil, nil))

    /// The participant, or nil before the handshake.
    var name: String? {
        get { state.withLock { $0.name } }
        set { state.withLock { $0.name = newValue } }
    }

    /// The fingerprint of a peer that was refused.
    var stranger: String? {
        get { state.withLock { $0.stranger } }
        set { state.withLock { $0.stranger = newValue } }
    }
}
