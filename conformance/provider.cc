#include "provider.h"

#include "check.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace {

// "a\b" and "c" of "a\b\c".
std::pair<std::string, std::string> parted(const std::string &path) {
    const size_t at = path.rfind('\\');
    return at == std::string::npos ? std::pair{std::string(), path} : std::pair{path.substr(0, at), path.substr(at + 1)};
}

bool begins(const std::string &path, const std::string &prefix) {
    return prefix.empty() || path == prefix || path.starts_with(prefix + "\\");
}

bool same_name(const std::string &a, const std::string &b) {
    return PrjFileNameCompare(wide(a).c_str(), wide(b).c_str()) == 0;
}

const char *kind_name(Kind kind) {
    switch (kind) {
        case Kind::start: return "START";
        case Kind::get: return "GET";
        case Kind::end: return "END";
        case Kind::info: return "INFO";
        case Kind::data: return "DATA";
        case Kind::query: return "QUERY";
        case Kind::notification: return "";
        case Kind::cancel: return "CANCEL";
    }
    return "?";
}

Provider *provider_of(const PRJ_CALLBACK_DATA *data) {
    return static_cast<Instance *>(data->InstanceContext) == nullptr ? nullptr
                                                                       : &static_cast<Instance *>(data->InstanceContext)->provider;
}

Record record_of(Kind kind, const PRJ_CALLBACK_DATA *data) {
    Record record;
    record.kind = kind;
    record.size = data->Size;
    record.flags = static_cast<int32_t>(data->Flags);
    record.context = data->NamespaceVirtualizationContext;
    record.command = data->CommandId;
    record.file_id = data->FileId;
    record.stream = data->DataStreamId;
    record.has_path = data->FilePathName != nullptr;
    record.path = narrow(data->FilePathName);
    record.has_version = data->VersionInfo != nullptr;
    if (record.has_version) {
        record.version = *data->VersionInfo;
    }
    record.process = data->TriggeringProcessId;
    record.has_image = data->TriggeringProcessImageFileName != nullptr;
    record.image = narrow(data->TriggeringProcessImageFileName);
    record.instance_context = data->InstanceContext;
    return record;
}

HRESULT CALLBACK on_start(const PRJ_CALLBACK_DATA *data, const GUID *session) {
    Record record = record_of(Kind::start, data);
    record.session = *session;
    return provider_of(data)->receive(std::move(record));
}

HRESULT CALLBACK on_end(const PRJ_CALLBACK_DATA *data, const GUID *session) {
    Record record = record_of(Kind::end, data);
    record.session = *session;
    return provider_of(data)->receive(std::move(record));
}

HRESULT CALLBACK on_get(const PRJ_CALLBACK_DATA *data, const GUID *session, PCWSTR expression,
                        PRJ_DIR_ENTRY_BUFFER_HANDLE buffer) {
    Record record = record_of(Kind::get, data);
    record.session = *session;
    record.has_expression = expression != nullptr;
    record.expression = narrow(expression);
    record.buffer = buffer;
    return provider_of(data)->receive(std::move(record));
}

HRESULT CALLBACK on_info(const PRJ_CALLBACK_DATA *data) {
    return provider_of(data)->receive(record_of(Kind::info, data));
}

HRESULT CALLBACK on_data(const PRJ_CALLBACK_DATA *data, UINT64 offset, UINT32 length) {
    Record record = record_of(Kind::data, data);
    record.offset = offset;
    record.length = length;
    return provider_of(data)->receive(std::move(record));
}

HRESULT CALLBACK on_query(const PRJ_CALLBACK_DATA *data) {
    return provider_of(data)->receive(record_of(Kind::query, data));
}

HRESULT CALLBACK on_notification(const PRJ_CALLBACK_DATA *data, BOOLEAN directory, PRJ_NOTIFICATION notification,
                                 PCWSTR destination, PRJ_NOTIFICATION_PARAMETERS *parameters) {
    Record record = record_of(Kind::notification, data);
    record.directory = directory != 0;
    record.directory_byte = directory;
    record.notification = notification;
    record.has_destination = destination != nullptr;
    record.destination = narrow(destination);
    if (parameters != nullptr) {
        std::memcpy(&record.parameters, parameters, sizeof record.parameters);
    }
    record.parameters_at = parameters;
    return provider_of(data)->receive(std::move(record));
}

void CALLBACK on_cancel(const PRJ_CALLBACK_DATA *data) {
    provider_of(data)->receive(record_of(Kind::cancel, data));
}

}  // namespace

Entry file(std::string content, std::string version) {
    Entry entry;
    entry.content = std::move(content);
    entry.version = std::move(version);
    return entry;
}

Entry folder(std::string version) {
    Entry entry;
    entry.directory = true;
    entry.version = std::move(version);
    return entry;
}

std::string Record::content_id() const {
    const char *bytes = reinterpret_cast<const char *>(version.ContentID);
    return std::string(bytes, strnlen(bytes, sizeof version.ContentID));
}

std::string Record::text() const {
    std::string line = kind == Kind::notification ? show_notification(notification) : kind_name(kind);
    if (kind == Kind::data) {
        return line + " " + path + " " + std::to_string(offset) + "+" + std::to_string(length);
    }
    line += " " + path;
    if (kind == Kind::notification) {
        line += has_destination ? " -> " + destination : "";
        line += directory ? " (dir)" : "";
    }
    return line;
}

Provider::Provider() = default;
// Whoever checks for races does not see that the library's stop comes after the last callback; this he sees.
Provider::~Provider() {
    const std::lock_guard guard(lock_);
}

void Provider::set_view(View view) {
    const std::lock_guard guard(lock_);
    view_ = std::move(view);
}

View Provider::view() const {
    const std::lock_guard guard(lock_);
    return view_;
}

void Provider::put(const std::string &path, Entry entry) {
    const std::lock_guard guard(lock_);
    view_[path] = std::move(entry);
}

void Provider::remove(const std::string &path) {
    const std::lock_guard guard(lock_);
    std::erase_if(view_, [&](const auto &item) { return begins(item.first, path); });
}

std::optional<Entry> Provider::find(const std::string &path) const {
    const std::lock_guard guard(lock_);
    const auto at = view_.find(path);
    if (at != view_.end()) {
        return at->second;
    }
    if (ignore_case) {
        for (const auto &[candidate, entry] : view_) {
            if (same_name(candidate, path)) {
                return entry;
            }
        }
    }
    return std::nullopt;
}

std::string Provider::spelled(const std::string &path) const {
    const std::lock_guard guard(lock_);
    if (ignore_case && !view_.contains(path)) {
        for (const auto &[candidate, entry] : view_) {
            if (same_name(candidate, path)) {
                return candidate;
            }
        }
    }
    return path;
}

void Provider::hook(Kind kind, const std::string &path, Hook hook) {
    const std::lock_guard guard(lock_);
    hooks_.emplace_back(kind, path, std::move(hook));
}

void Provider::clear_hooks() {
    const std::lock_guard guard(lock_);
    hooks_.clear();
}

std::vector<Record> Provider::records() const {
    const std::lock_guard guard(lock_);
    return records_;
}

std::vector<Record> Provider::records(Kind kind, const std::string &path) const {
    const std::lock_guard guard(lock_);
    std::vector<Record> found;
    for (const Record &record : records_) {
        if (record.kind == kind && record.path == path) {
            found.push_back(record);
        }
    }
    return found;
}

void Provider::clear_records() {
    const std::lock_guard guard(lock_);
    records_.clear();
}

std::vector<std::string> Provider::trace(const std::string &prefix, bool questions) const {
    const std::lock_guard guard(lock_);
    std::vector<std::string> lines;
    for (const Record &record : records_) {
        const bool question = record.kind == Kind::start || record.kind == Kind::get || record.kind == Kind::end ||
                              record.kind == Kind::query;
        const bool concerned = begins(record.path, prefix) || (record.has_destination && begins(record.destination, prefix));
        if (concerned && (questions || !question)) {
            lines.push_back(record.text());
        }
    }
    return lines;
}

bool Provider::wait(const std::function<bool()> &holds) const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(settings.patience);
    while (!holds()) {
        std::unique_lock guard(lock_);
        if (std::chrono::steady_clock::now() > until) {
            return false;
        }
        changed_.wait_for(guard, std::chrono::milliseconds(20));
    }
    return true;
}

bool Provider::wait_for(Kind kind, const std::string &path, size_t count) const {
    return wait([&] { return records(kind, path).size() >= count; });
}

size_t Provider::open_sessions() const {
    const std::lock_guard guard(lock_);
    return sessions_.size();
}

void Provider::forget_session(const GUID &session) {
    const std::lock_guard guard(lock_);
    sessions_.erase(show(session));
}

std::vector<std::string> Provider::session_faults() const {
    const std::lock_guard guard(lock_);
    return faults_;
}

HRESULT Provider::receive(Record record) {
    const int now = ++running_;
    for (int most = most_running_; most < now && !most_running_.compare_exchange_weak(most, now);) {
    }
    record.number = next_number_++;
    Hook hook;
    {
        const std::lock_guard guard(lock_);
        records_.push_back(record);
        records_.back().parameters_at = nullptr;
        for (auto at = hooks_.rbegin(); at != hooks_.rend() && !hook; ++at) {
            if (std::get<0>(*at) == record.kind && (std::get<1>(*at).empty() || std::get<1>(*at) == record.path)) {
                hook = std::get<2>(*at);
            }
        }
    }
    changed_.notify_all();

    const std::string session = show(record.session);
    const auto fault = [&](const std::string &what) { faults_.push_back(what + " (" + record.text() + ")"); };
    if (record.kind == Kind::start) {
        const std::lock_guard guard(lock_);
        if (sessions_.contains(session)) {
            fault("a session starts twice");
        }
        sessions_[session] = std::make_shared<Session>();
        sessions_[session]->directory = record.path;
    }
    if (record.kind == Kind::get) {
        const std::lock_guard guard(lock_);
        const auto at = sessions_.find(session);
        if (at == sessions_.end()) {
            fault("get without start");
        } else if (at->second->gets_running++ > 0) {
            fault("two gets of one session at once");
        } else if (at->second->directory != record.path) {
            fault("get for another directory");
        }
    }

    const std::optional<HRESULT> hooked = hook ? hook(record) : std::nullopt;
    HRESULT answer = hooked.value_or(hr::ok);
    if (!hooked) {
        switch (record.kind) {
            case Kind::start: {
                const auto entry = find(record.path);
                answer = record.path.empty() || (entry && entry->directory) ? hr::ok : hr::file_not_found;
                break;
            }
            case Kind::get: answer = answer_entries(record); break;
            case Kind::info: answer = answer_info(record); break;
            case Kind::data: answer = answer_data(record); break;
            case Kind::query: answer = answer_query(record); break;
            case Kind::end:
            case Kind::notification:
            case Kind::cancel: answer = hr::ok; break;
        }
    }

    {
        const std::lock_guard guard(lock_);
        const auto at = sessions_.find(session);
        if (record.kind == Kind::start && answer != hr::ok && answer != hr::io_pending) {
            sessions_.erase(session);
        } else if (record.kind == Kind::get && at != sessions_.end()) {
            at->second->gets_running--;
        } else if (record.kind == Kind::end) {
            if (at == sessions_.end()) {
                fault("end without start");
            } else {
                sessions_.erase(at);
            }
        }
        running_--;
        changed_.notify_all();
    }
    return answer;
}

HRESULT Provider::answer_info(const Record &record) {
    const auto entry = find(record.path);
    if (!entry) {
        return hr::file_not_found;
    }
    PlaceholderInfo info(*entry);
    const WideString path = wide(spelled(record.path));
    if (!entry->target && !second_forms) {
        return PrjWritePlaceholderInfo(record.context, path.c_str(), info.get(), info.size());
    }
    PRJ_EXTENDED_INFO extended = {};
    extended.InfoType = PRJ_EXT_INFO_TYPE_SYMLINK;
    const WideString target = wide(entry->target.value_or(""));
    extended.Symlink.TargetName = target.c_str();
    return PrjWritePlaceholderInfo2(record.context, path.c_str(), info.get(), info.size(),
                                    entry->target ? &extended : nullptr);
}

HRESULT Provider::answer_data(const Record &record) {
    const auto entry = find(record.path);
    if (!entry) {
        return hr::file_not_found;
    }
    const uint64_t end = record.offset + record.length;
    for (uint64_t from = record.offset; from < end;) {
        const uint64_t count = std::min<uint64_t>(end - from, 1 << 20);
        std::vector<char> buffer(count);
        if (from < entry->content.size()) {
            std::memcpy(buffer.data(), entry->content.data() + from, std::min<uint64_t>(count, entry->content.size() - from));
        }
        const HRESULT result =
            PrjWriteFileData(record.context, &record.stream, buffer.data(), from, static_cast<uint32_t>(count));
        if (result != hr::ok) {
            return result;
        }
        from += count;
    }
    return hr::ok;
}

HRESULT Provider::answer_query(const Record &record) {
    return find(record.path) ? hr::ok : hr::file_not_found;
}

void Provider::load(Session &session, const Record &record) {
    session.next = 0;
    session.captured = true;
    session.has_expression = record.has_expression && !record.expression.empty();
    session.expression = record.expression;
    session.entries.clear();
    const bool pattern = session.has_expression && PrjDoesNameContainWildCards(wide(session.expression).c_str()) != 0;
    for (const auto &[path, entry] : view()) {
        const auto [parent, name] = parted(path);
        if (parent != session.directory && !(ignore_case && same_name(parent, session.directory))) {
            continue;
        }
        if (session.has_expression) {
            const bool fits = pattern ? PrjFileNameMatch(wide(name).c_str(), wide(session.expression).c_str()) != 0
                                      : same_name(name, session.expression);
            if (!fits) {
                continue;
            }
        }
        session.entries.emplace_back(name, entry);
    }
    // Entries come by name as the tree has them; most are in order.
    std::map<std::string, WideString> units;
    for (const auto &[name, entry] : session.entries) {
        units[name] = wide(name);
    }
    const auto before = [&](const auto &a, const auto &b) {
        const int order = PrjFileNameCompare(units[a.first].c_str(), units[b.first].c_str());
        return order != 0 ? order < 0 : a.first < b.first;
    };
    if (!std::is_sorted(session.entries.begin(), session.entries.end(), before)) {
        std::sort(session.entries.begin(), session.entries.end(), before);
    }
    if (backwards) {
        std::reverse(session.entries.begin(), session.entries.end());
    }
}

HRESULT Provider::answer_entries(const Record &record) {
    std::shared_ptr<Session> session;
    {
        const std::lock_guard guard(lock_);
        const auto at = sessions_.find(show(record.session));
        if (at == sessions_.end()) {
            return hr::internal_error;
        }
        session = at->second;
    }
    if (!session->captured || (record.flags & PRJ_CB_DATA_FLAG_ENUM_RESTART_SCAN) != 0) {
        load(*session, record);
    }
    for (size_t added = 0; session->next < session->entries.size(); added++, session->next++) {
        if (batch != 0 && added >= batch) {
            return hr::ok;
        }
        const auto &[name, entry] = session->entries[session->next];
        PRJ_FILE_BASIC_INFO info = basic_info(entry);
        PRJ_EXTENDED_INFO extended = {};
        extended.InfoType = PRJ_EXT_INFO_TYPE_SYMLINK;
        const WideString target = wide(entry.target.value_or(""));
        extended.Symlink.TargetName = target.c_str();
        const HRESULT result =
            !entry.target && !second_forms
                ? PrjFillDirEntryBuffer(wide(name).c_str(), &info, record.buffer)
                : PrjFillDirEntryBuffer2(record.buffer, wide(name).c_str(), &info, entry.target ? &extended : nullptr);
        if (result == hr::insufficient_buffer) {
            refusals++;
            return added == 0 ? hr::insufficient_buffer : hr::ok;
        }
        if (result != hr::ok) {
            return result;
        }
    }
    return hr::ok;
}

PRJ_CALLBACKS Provider::callbacks(bool with_query, bool with_notifications, bool with_cancel) const {
    PRJ_CALLBACKS table = {};
    table.StartDirectoryEnumerationCallback = on_start;
    table.EndDirectoryEnumerationCallback = on_end;
    table.GetDirectoryEnumerationCallback = on_get;
    table.GetPlaceholderInfoCallback = on_info;
    table.GetFileDataCallback = on_data;
    table.QueryFileNameCallback = with_query ? on_query : nullptr;
    table.NotificationCallback = with_notifications ? on_notification : nullptr;
    table.CancelCommandCallback = with_cancel ? on_cancel : nullptr;
    return table;
}

PRJ_PLACEHOLDER_VERSION_INFO version_info(const std::string &provider, const std::string &content) {
    PRJ_PLACEHOLDER_VERSION_INFO info = {};
    std::memcpy(info.ProviderID, provider.data(), std::min(provider.size(), sizeof info.ProviderID));
    std::memcpy(info.ContentID, content.data(), std::min(content.size(), sizeof info.ContentID));
    return info;
}

PRJ_FILE_BASIC_INFO basic_info(const Entry &entry) {
    PRJ_FILE_BASIC_INFO info = {};
    info.IsDirectory = entry.directory ? 1 : 0;
    info.FileSize = entry.length();
    std::memcpy(&info.CreationTime, &entry.written, sizeof entry.written);
    std::memcpy(&info.LastAccessTime, &entry.written, sizeof entry.written);
    std::memcpy(&info.LastWriteTime, &entry.written, sizeof entry.written);
    std::memcpy(&info.ChangeTime, &entry.written, sizeof entry.written);
    info.FileAttributes = entry.attributes;
    return info;
}

PlaceholderInfo::PlaceholderInfo(const Entry &entry) {
    constexpr size_t fixed = sizeof(PRJ_PLACEHOLDER_INFO);
    size_ = fixed + entry.variable.size();
    bytes_.resize((size_ + 7) / 8);
    PRJ_PLACEHOLDER_INFO *info = get();
    info->FileBasicInfo = basic_info(entry);
    info->VersionInfo = version_info(entry.provider_version, entry.version);
    if (!entry.variable.empty()) {
        info->EaInformation.EaBufferSize = static_cast<uint32_t>(entry.variable.size());
        info->EaInformation.OffsetToFirstEa = static_cast<uint32_t>(fixed);
        std::memcpy(reinterpret_cast<char *>(info) + fixed, entry.variable.data(), entry.variable.size());
    }
}

std::string extended_attribute(const std::string &name, const std::string &value) {
    std::string bytes(8, '\0');
    bytes[5] = static_cast<char>(name.size());
    bytes[6] = static_cast<char>(value.size() & 0xFF);
    bytes[7] = static_cast<char>(value.size() >> 8);
    return bytes + name + std::string(1, '\0') + value;
}

std::string extended_attributes(const std::vector<std::pair<std::string, std::string>> &attributes) {
    std::string bytes;
    size_t last = 0;
    for (const auto &[name, value] : attributes) {
        if (!bytes.empty()) {
            // The next one begins at a multiple of four; where, the one before says.
            bytes.resize((bytes.size() + 3) / 4 * 4, '\xEE');
            const uint32_t next = static_cast<uint32_t>(bytes.size() - last);
            std::memcpy(bytes.data() + last, &next, sizeof next);
        }
        last = bytes.size();
        bytes += extended_attribute(name, value);
    }
    return bytes;
}

std::string fresh_directory(const std::string &name) {
    static std::atomic<unsigned> next{0};
    const std::string path = settings.directory + "/" + name + "-" + std::to_string(next++);
    std::filesystem::create_directories(path);
    return path;
}

GUID fresh_guid() {
    static std::mutex lock;
    static std::mt19937_64 random{std::random_device{}()};
    const std::lock_guard guard(lock);
    const uint64_t halves[2] = {random(), random()};
    GUID guid;
    std::memcpy(&guid, halves, sizeof guid);
    return guid;
}

Instance::Instance(const std::string &name) : root_(fresh_directory(name)), id_(fresh_guid()) {
    require_ok(PrjMarkDirectoryAsPlaceholder(wide(root_).c_str(), nullptr, nullptr, &id_), "marking " + root_);
}

Instance::~Instance() {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
}

// Where names never differ by case there is no such flag.
#ifdef PROJFS_FLAG_IGNORE_CASE
constexpr uint32_t flag_ignore_case = PROJFS_FLAG_IGNORE_CASE;
#else
constexpr uint32_t flag_ignore_case = 0;
#endif

HRESULT Instance::try_start(const Options &options) {
    const PRJ_CALLBACKS table = provider.callbacks(options.query, options.notifications, options.cancel);
    std::vector<WideString> roots;
    std::vector<PRJ_NOTIFICATION_MAPPING> mappings;
    for (const auto &[path, mask] : options.mappings) {
        roots.push_back(wide(path));
    }
    for (size_t i = 0; i < roots.size(); i++) {
        PRJ_NOTIFICATION_MAPPING mapping = {};
        mapping.NotificationBitMask = static_cast<PRJ_NOTIFY_TYPES>(options.mappings[i].second);
        mapping.NotificationRoot = roots[i].c_str();
        mappings.push_back(mapping);
    }
    PRJ_STARTVIRTUALIZING_OPTIONS start = {};
    start.Flags = static_cast<PRJ_STARTVIRTUALIZING_FLAGS>(options.flags | (options.ignore_case ? flag_ignore_case : 0));
    start.PoolThreadCount = options.pool;
    start.ConcurrentThreadCount = options.concurrent;
    start.NotificationMappings = mappings.empty() ? nullptr : mappings.data();
    start.NotificationMappingsCount = static_cast<uint32_t>(mappings.size());
    PRJ_NAMESPACE_VIRTUALIZATION_CONTEXT context = nullptr;
    const HRESULT result =
        PrjStartVirtualizing(wide(root_).c_str(), &table, this, options.none ? nullptr : &start, &context);
    if (result == hr::ok) {
        context_ = context;
    }
    return result;
}

void Instance::start(const Options &options) {
    require_ok(try_start(options), "starting " + root_);
}

void Instance::stop() {
    if (context_ != nullptr) {
        PrjStopVirtualizing(context_);
        context_ = nullptr;
    }
}

std::string Instance::at(const std::string &path) const {
    return path.empty() ? root_ : root_ + "/" + with_slashes(path);
}

std::string Instance::state(const std::string &path) const {
    auto state = static_cast<PRJ_FILE_STATE>(0);
    const HRESULT result = PrjGetOnDiskFileState(wide(at(path)).c_str(), &state);
    return result == hr::ok ? show_state(state) : result == hr::file_not_found ? "none" : show(result);
}

HRESULT Instance::update(const std::string &path, const Entry &entry, int flags, PRJ_UPDATE_FAILURE_CAUSES *causes) {
    PlaceholderInfo info(entry);
    return PrjUpdateFileIfNeeded(context_, wide(path).c_str(), info.get(), info.size(),
                                 static_cast<PRJ_UPDATE_TYPES>(flags), causes);
}

HRESULT Instance::drop(const std::string &path, int flags, PRJ_UPDATE_FAILURE_CAUSES *causes) {
    return PrjDeleteFile(context_, wide(path).c_str(), static_cast<PRJ_UPDATE_TYPES>(flags), causes);
}

HRESULT Instance::place(const std::string &path, const Entry &entry) {
    PlaceholderInfo info(entry);
    if (!entry.target) {
        return PrjWritePlaceholderInfo(context_, wide(path).c_str(), info.get(), info.size());
    }
    PRJ_EXTENDED_INFO extended = {};
    extended.InfoType = PRJ_EXT_INFO_TYPE_SYMLINK;
    const WideString target = wide(*entry.target);
    extended.Symlink.TargetName = target.c_str();
    return PrjWritePlaceholderInfo2(context_, wide(path).c_str(), info.get(), info.size(), &extended);
}

HRESULT Instance::mark(const std::string &path, const char *version) {
    const PRJ_PLACEHOLDER_VERSION_INFO info = version_info("p", version == nullptr ? "" : version);
    return PrjMarkDirectoryAsPlaceholder(wide(root_).c_str(), wide(at(path)).c_str(), version == nullptr ? nullptr : &info,
                                         &id_);
}

HRESULT Instance::complete(const Record &record, HRESULT result) {
    PRJ_COMPLETE_COMMAND_EXTENDED_PARAMETERS extended = {};
    extended.CommandType = PRJ_COMPLETE_COMMAND_TYPE_ENUMERATION;
    extended.Enumeration.DirEntryBufferHandle = record.buffer;
    const bool entries = record.kind == Kind::get && result == hr::ok;
    return PrjCompleteCommand(context_, record.command, result, entries ? &extended : nullptr);
}
