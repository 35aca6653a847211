internal import Foundation

/// A scenario as text: JSON without what is as in a scenario that says nothing.
extension Scenario {
    /// The scenario as one line.
    package var script: String {
        guard let own = tree(self), let plain = tree(Scenario()) else { return "{}" }
        let flow = tree(Wrapped([FlowPlan()]))
        let rest = without(own, plain, flow.flatMap { ($0 as? [String: Any])?["list"] as? [Any] }?.first)
        guard let data = try? JSONSerialization.data(withJSONObject: rest ?? [:], options: [.sortedKeys]) else {
            return "{}"
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// The scenario of a line that ``script`` made.
    package init(script: String) throws {
        let given = try JSONSerialization.jsonObject(with: Data(script.utf8))
        let flow = (tree(Wrapped([FlowPlan()])) as? [String: Any]).flatMap { ($0["list"] as? [Any])?.first }
        let whole = with(given, tree(Scenario()), flow)
        self = try JSONDecoder().decode(Scenario.self, from: JSONSerialization.data(withJSONObject: whole))
        guard stations.count == 2, lines.count == 2, (1...8).contains(flows.count),
            flows.allSatisfy({ $0.ends.count == 2 })
        else { throw ScriptError.shape }
    }
}

private struct Wrapped: Encodable {
    var list: [FlowPlan]
    init(_ list: [FlowPlan]) { self.list = list }
}

private func tree(_ value: some Encodable) -> Any? {
    guard let data = try? JSONEncoder().encode(value) else { return nil }
    return try? JSONSerialization.jsonObject(with: data)
}

/// What of `value` is not as in `plain`; `nil` when all is. Lists keep their length; `item` is what a list of flows has.
private func without(_ value: Any, _ plain: Any?, _ item: Any?) -> Any? {
    if let value = value as? [String: Any] {
        let plain = plain as? [String: Any] ?? [:]
        var rest: [String: Any] = [:]
        for (key, part) in value {
            if key == "flows", let flows = part as? [Any] {
                rest[key] = flows.map { without($0, item, nil) ?? [:] }
            } else if let left = without(part, plain[key], item) {
                rest[key] = left
            }
        }
        return rest.isEmpty ? nil : rest
    }
    if let value = value as? [Any], let plain = plain as? [Any], value.count == plain.count, !value.isEmpty {
        let rest = zip(value, plain).map { without($0, $1, item) }
        return rest.allSatisfy { $0 == nil } ? nil : rest.map { $0 ?? [String: Any]() }
    }
    if let plain, isEqual(value, plain) { return nil }
    return value
}

private func with(_ value: Any, _ plain: Any?, _ item: Any?) -> Any {
    if let value = value as? [String: Any] {
        var whole = plain as? [String: Any] ?? [:]
        for (key, part) in value {
            if key == "flows", let flows = part as? [Any] {
                whole[key] = flows.map { with($0, item, nil) }
            } else {
                whole[key] = with(part, whole[key], item)
            }
        }
        return whole
    }
    if let value = value as? [Any], let plain = plain as? [Any], value.count == plain.count {
        return zip(value, plain).map { with($0, $1, item) }
    }
    return value
}

private func isEqual(_ a: Any, _ b: Any) -> Bool {
    let wrapped = ([a], [b])
    let first = try? JSONSerialization.data(withJSONObject: wrapped.0, options: [.sortedKeys])
    return first != nil && first == (try? JSONSerialization.data(withJSONObject: wrapped.1, options: [.sortedKeys]))
}

/// What a script may say wrong although it is well-formed.
package enum ScriptError: Error, CustomStringConvertible {
    case shape

    package var description: String {
        switch self {
        case .shape: "give two stations, two lines, one to eight flows, and each flow two ends"
        }
    }
}
