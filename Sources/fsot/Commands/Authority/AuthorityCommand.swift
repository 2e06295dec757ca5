import ArgumentParser

/// `fsot ca`: certificates of a consortium.
struct AuthorityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca",
        abstract: "Run a consortium's certificate authority: who is trusted is then one file instead of many cards.",
        discussion: """
            The authority issues a certificate over the key of a member's card; the member takes it into its identity \
            (fsot keygen NAME --certificate); whoever opens a sealed emulator gives --ca ca.pem. Revoked certificates \
            stand in revoked.json, signed in revoked.json.p7s, beside ca.pem: a format of fsot's own, not an X.509 CRL, \
            and as fresh as the copy that the recipient has. ca.identity is secret; ca.pem, revoked.json and \
            revoked.json.p7s are for everybody.
            """,
        subcommands: [AuthorityInit.self, AuthorityIssue.self, AuthorityRevoke.self]
    )
}
