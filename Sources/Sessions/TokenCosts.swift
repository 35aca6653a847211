internal import Engine
internal import Timeline

/// What a token costs in one style of return.
public struct TokenCost: Encodable, Sendable {
    /// How tokens were given back.
    public var style: String
    /// Tokens issued and returned.
    public var tokens: Int
    /// Per token: lending, arrival, token and record.
    public var issueNs: Double
    /// Per token: the application's record and return.
    public var clientNs: Double
    /// Per token: taking it back, until its slot is free.
    public var takeBackNs: Double
    /// Cost of everything, over that of ranges through the ring, measured in turns with it in one process.
    public var ratioToRanges: Double
}

extension Session {
    /// Measures what tokens cost, in batches as the engine makes them; styles take turns, so that what disturbs one disturbs all.
    ///
    /// - Parameter style: one alone, for counting its instructions from outside; `nil` is all.
    public static func tokenCosts(style name: String?, count: Int, batch: Int) throws(SessionError) -> [TokenCost] {
        var styles = ReturnStyle.allCases
        if let name {
            guard let one = ReturnStyle(rawValue: name) else {
                throw SessionError(
                    "there is no style \(name); use \(ReturnStyle.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            styles = [one]
        }
        var bench = TokenBench(batch: batch)
        var sums = [TokenBench.Times](repeating: .init(), count: styles.count)
        let slices = 20
        for _ in 0..<slices {
            for (i, style) in styles.enumerated() {
                let times = bench.run(style, count: count / slices, clock: monotonicNow)
                sums[i].issue += times.issue
                sums[i].client += times.client
                sums[i].takeBack += times.takeBack
            }
        }
        guard bench.outstanding == 0 else { throw SessionError("\(bench.outstanding) tokens did not come back") }
        func total(_ times: TokenBench.Times) -> Double { Double(times.issue + times.client + times.takeBack) }
        let ranges = styles.firstIndex(of: .ranges).map { total(sums[$0]) }
        let tokens = max(count / slices / batch * batch * slices, 1)
        return styles.indices.map { i in
            TokenCost(
                style: styles[i].rawValue, tokens: tokens, issueNs: Double(sums[i].issue) / Double(tokens),
                clientNs: Double(sums[i].client) / Double(tokens),
                takeBackNs: Double(sums[i].takeBack) / Double(tokens),
                ratioToRanges: ranges.map { total(sums[i]) / max($0, 1) } ?? 1)
        }
    }
}
