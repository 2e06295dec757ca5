import AtomicFiles
import Foundation
import Sealing

/// The invitations that this participant has accepted, one small file a consortium: what it joins later must be what a person
/// compared, and never an older roster.
public struct KnownConsortia: Sendable {
    /// The directory.
    public let path: String

    /// An accepted invitation.
    public struct Entry: Codable, Sendable, Equatable {
        /// The epoch.
        public var epoch: Int
        /// ``SignedInvitation/digest``.
        public var invitation: String
        /// The owner's fingerprint.
        public var owner: String
        /// ISO 8601, UTC.
        public var accepted: String
    }

    /// Uses a directory, which need not exist.
    public init(path: String) { self.path = path }

    /// What was accepted of a consortium; nil: nothing yet.
    ///
    /// - Throws: `FederationError.invalidInvitation` for a damaged file.
    public func entry(_ session: String) throws -> Entry? {
        let file = file(session)
        guard let data = FileManager.default.contents(atPath: file) else { return nil }
        guard let entry = try? JSONDecoder().decode(Entry.self, from: data) else {
            throw FederationError.invalidInvitation(
                path: file,
                reason: "it is damaged; remove it and accept the invitation again with fsot join"
            )
        }
        return entry
    }

    /// Accepts an invitation, after a person compared its words.
    ///
    /// - Throws: `FederationError.refused` for an older epoch, another owner, or a newer epoch that does not follow.
    public func accept(_ invitation: SignedInvitation, date: Date = Date()) throws {
        let content = invitation.content
        if let known = try entry(content.session) {
            if known.invitation == invitation.digest { return }
            guard content.epoch > known.epoch else {
                throw FederationError.refused(
                    reason: "its roster is of epoch \(content.epoch) and epoch \(known.epoch) was accepted already"
                )
            }
            guard known.owner == invitation.signer.fingerprint else {
                throw FederationError.refused(reason: "another owner signed it than the epoch before")
            }
            guard content.epoch > known.epoch + 1 || content.previous == known.invitation else {
                throw FederationError.refused(reason: "it does not follow from the roster of epoch \(known.epoch)")
            }
        }
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw AtomicFileError.system(
                operation: "create",
                path: path,
                reason: (error as NSError).localizedDescription
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let entry = Entry(
            epoch: content.epoch,
            invitation: invitation.digest,
            owner: invitation.signer.fingerprint,
            accepted: date.formatted(.iso8601)
        )
        try AtomicFile.write(encoder.encode(entry), to: file(content.session), permissions: 0o600)
    }

    /// Refuses an invitation that nobody compared, or one that was replaced.
    ///
    /// - Throws: `FederationError.refused`, `FederationError.invalidInvitation`.
    public func check(_ invitation: SignedInvitation, path: String) throws {
        guard let known = try entry(invitation.content.session) else {
            throw FederationError.invalidInvitation(
                path: path,
                reason: "it was not accepted yet; run fsot join \(path) and compare its words with the others"
            )
        }
        guard known.invitation == invitation.digest else {
            throw FederationError.invalidInvitation(
                path: path,
                reason: known.epoch > invitation.content.epoch
                    ? "its roster was replaced by that of epoch \(known.epoch); use the newer invitation"
                    : "it is not the one that was accepted; run fsot join \(path) and compare its words again"
            )
        }
    }

    private func file(_ session: String) -> String { "\(path)/\(session).json" }
}
