import ReportPages

/// What canary clients say of whole participants, and the axis of their ε.
struct ClientCanarySection {
    private let run: AuditReport.RunReport
    private let canaries: ClientCanaryReport

    /// Nil when none was planted.
    init?(_ run: AuditReport.RunReport) {
        guard let canaries = run.clientCanaries else { return nil }
        self.run = run
        self.canaries = canaries
    }

    var markup: Markup {
        """
        <h3>Canary clients: what is given away of a whole participant</h3>
        <p>\(Figure.count(canaries.included + canaries.heldOut)) fair coins decided which canary clients took part: \
        \(Figure.count(canaries.included)) did, and each sent a random direction of norm \(Figure.measure(canaries.norm)) \
        \(canaries.presence == "once" ? "in one round, and zeros in the others" : "in every round"); \
        \(Figure.count(canaries.heldOut)) did not. The cosine of a direction and what the rounds led to tells which. They are part \
        of every mean: this run is an instrument, and its adapter is not one to hand out.</p>
        <div class="scroll"><table>
        <tr><th>statistic</th><th>seen by</th><th class="n">AUC</th><th class="n">mean cosine</th>\
        <th class="n">standard deviation</th><th class="n">of directions nobody sent</th><th class="n">ε, estimated</th></tr>
        \(canaries.statistics.map(row))
        </table></div>
        <p class="quiet">\(ClientCanaryReport.finalCosine): with what the adapter changed by in all; every participant has that. \
        \(ClientCanaryReport.roundCosine): with the mean updates of the canary’s own rounds; for who keeps every round. Of a \
        direction that nobody sent, the final cosine has mean 0 and standard deviation 1/√\(Figure.count(canaries.dimension)); the \
        other’s are fitted to the canaries that took no part. The estimate (Andrew et al. 2024) is the ε that tells these two distributions apart at δ = \(Figure.tick(canaries.delta)): a \
        point estimate, of which nothing is proved.\(few)</p>
        \(EpsilonAxis(clientsOf: run)?.markup ?? "")
        """
    }

    private var few: String {
        canaries.bounds == nil ? " Too few coins were flipped for a lower bound." : ""
    }

    private func row(_ statistic: ClientCanaryReport.Statistic) -> Markup {
        """
        <tr><td>\(statistic.name)</td><td>\(statistic.vantage.rawValue)</td>\
        <td class="n">\(Figure.decimal(statistic.auc, 3))<br><small>\(Figure.interval(statistic.aucInterval, 3))</small></td>\
        <td class="n">\(Figure.tick(statistic.mean))</td><td class="n">\(Figure.tick(statistic.deviation))</td>\
        <td class="n">\(Figure.tick(statistic.randomDeviation))</td>\
        <td class="n">\(statistic.estimate.map { Figure.decimal($0, 2) } ?? "–")</td></tr>
        """
    }
}
