<?php
// The homepage of a PHP site: Footfall says which one; without an answer in time the default.
// $visit: url, referrer, ip, user_agent, language, consent, gpc, anonymous_id, user_id
function homepage(array $visit): array {
    $ask = curl_init((getenv('FOOTFALL') ?: 'http://127.0.0.1:8081') . '/v1/homepage');
    curl_setopt_array($ask, [
        CURLOPT_POSTFIELDS => json_encode($visit, JSON_INVALID_UTF8_SUBSTITUTE),
        CURLOPT_HTTPHEADER => ['Authorization: Bearer sk_demo', 'Content-Type: application/json'],
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT_MS => 100, CURLOPT_NOSIGNAL => true,
    ]);
    $answer = json_decode((string) curl_exec($ask), true);
    return is_array($answer) && isset($answer['variant']) ? $answer
        : ['variant' => 'classic', 'decision_id' => '', 'visitor' => ['anonymous_id' => null]];
}
