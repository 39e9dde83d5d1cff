"""What the pages of `mail_pages` say, in the languages that the messenger speaks."""

from __future__ import annotations

from dataclasses import dataclass

RIGHT_TO_LEFT = frozenset(("ar",))


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language. `{house}` is whose mail it is, `{topic}` what it is about."""

    ask_all: str
    ask_topic: str
    ask_more: str
    leave: str
    leave_all: str
    left_all: str
    left_topic: str
    left_more: str
    undo: str
    back: str
    back_more: str
    preferences: str
    preferences_more: str
    choose: str
    save: str
    saved: str
    news: str
    other: str
    lost: str
    lost_more: str
    away: str
    away_more: str


WORDS: dict[str, Words] = {
    "en": Words(
        ask_all="Unsubscribe from {house}?",
        ask_topic="Unsubscribe from “{topic}”?",
        ask_more="You will still get mail about what you order or ask for.",
        leave="Unsubscribe",
        leave_all="Unsubscribe from everything",
        left_all="You are unsubscribed",
        left_topic="You are unsubscribed from “{topic}”",
        left_more="It applies from now on. A mail that is on its way may still arrive.",
        undo="That was a mistake, subscribe me again",
        back="You are subscribed again",
        back_more="Nothing changes for you.",
        preferences="What would you like to get?",
        preferences_more="Mail from {house}",
        choose="Choose what you get",
        save="Save",
        saved="Saved. It applies from now on.",
        news="News and offers",
        other="Everything else",
        lost="This link does not work",
        lost_more="It may have been cut short, or it is too old. Nothing was changed. "
        "Open the link in the mail itself, or answer the mail and ask to be unsubscribed.",
        away="We can’t do that right now",
        away_more="Nothing was changed. Please try again in a minute.",
    ),
    "de": Words(
        ask_all="E-Mails von {house} abbestellen?",
        ask_topic="„{topic}“ abbestellen?",
        ask_more="E-Mails zu Ihren Bestellungen und Anfragen bekommen Sie weiterhin.",
        leave="Abbestellen",
        leave_all="Alles abbestellen",
        left_all="Sie sind abgemeldet",
        left_topic="„{topic}“ ist abbestellt",
        left_more="Das gilt ab sofort. Was schon unterwegs ist, kann noch ankommen.",
        undo="Das war ein Versehen, wieder anmelden",
        back="Sie sind wieder angemeldet",
        back_more="Für Sie ändert sich nichts.",
        preferences="Was möchten Sie bekommen?",
        preferences_more="E-Mails von {house}",
        choose="Auswählen, was ankommt",
        save="Speichern",
        saved="Gespeichert. Das gilt ab sofort.",
        news="Neuigkeiten und Angebote",
        other="Alles Übrige",
        lost="Dieser Link funktioniert nicht",
        lost_more="Vielleicht wurde er abgeschnitten oder er ist zu alt. Es wurde nichts geändert. "
        "Öffnen Sie den Link in der E-Mail selbst oder antworten Sie darauf.",
        away="Das geht gerade nicht",
        away_more="Es wurde nichts geändert. Bitte versuchen Sie es gleich noch einmal.",
    ),
    "fr": Words(
        ask_all="Se désabonner de {house} ?",
        ask_topic="Se désabonner de « {topic} » ?",
        ask_more="Vous recevrez toujours les e-mails liés à vos commandes et à vos demandes.",
        leave="Se désabonner",
        leave_all="Se désabonner de tout",
        left_all="Vous êtes désabonné",
        left_topic="Vous êtes désabonné de « {topic} »",
        left_more="Cela vaut dès maintenant. Un e-mail déjà en route peut encore arriver.",
        undo="C’était une erreur, me réabonner",
        back="Vous êtes de nouveau abonné",
        back_more="Rien ne change pour vous.",
        preferences="Que souhaitez-vous recevoir ?",
        preferences_more="E-mails de {house}",
        choose="Choisir ce que je reçois",
        save="Enregistrer",
        saved="Enregistré. Cela vaut dès maintenant.",
        news="Nouveautés et offres",
        other="Tout le reste",
        lost="Ce lien ne fonctionne pas",
        lost_more="Il a peut-être été coupé, ou il est trop ancien. Rien n’a été modifié. "
        "Ouvrez le lien dans l’e-mail lui-même, ou répondez-y.",
        away="Ce n’est pas possible pour le moment",
        away_more="Rien n’a été modifié. Réessayez dans une minute.",
    ),
    "es": Words(
        ask_all="¿Cancelar la suscripción a {house}?",
        ask_topic="¿Cancelar la suscripción a «{topic}»?",
        ask_more="Seguirás recibiendo los correos sobre tus pedidos y consultas.",
        leave="Cancelar la suscripción",
        leave_all="Cancelar todas las suscripciones",
        left_all="Suscripción cancelada",
        left_topic="Suscripción a «{topic}» cancelada",
        left_more="Vale desde ahora. Aún puede llegar un correo que ya esté en camino.",
        undo="Fue un error, volver a suscribirme",
        back="Vuelves a estar suscrito",
        back_more="Para ti no cambia nada.",
        preferences="¿Qué quieres recibir?",
        preferences_more="Correos de {house}",
        choose="Elegir qué recibo",
        save="Guardar",
        saved="Guardado. Vale desde ahora.",
        news="Novedades y ofertas",
        other="Todo lo demás",
        lost="Este enlace no funciona",
        lost_more="Quizá se cortó o es demasiado antiguo. No se ha cambiado nada. "
        "Abre el enlace en el propio correo o respóndelo.",
        away="Ahora mismo no es posible",
        away_more="No se ha cambiado nada. Inténtalo de nuevo en un minuto.",
    ),
    "pt": Words(
        ask_all="Cancelar a subscrição de {house}?",
        ask_topic="Cancelar a subscrição de “{topic}”?",
        ask_more="Continuará a receber mensagens sobre as suas encomendas e pedidos.",
        leave="Cancelar a subscrição",
        leave_all="Cancelar tudo",
        left_all="Subscrição cancelada",
        left_topic="Subscrição de “{topic}” cancelada",
        left_more="É válido a partir de agora. Uma mensagem a caminho ainda pode chegar.",
        undo="Foi engano, voltar a subscrever",
        back="Está novamente subscrito",
        back_more="Para si nada muda.",
        preferences="O que gostaria de receber?",
        preferences_more="Mensagens de {house}",
        choose="Escolher o que recebo",
        save="Guardar",
        saved="Guardado. É válido a partir de agora.",
        news="Novidades e ofertas",
        other="Tudo o resto",
        lost="Esta ligação não funciona",
        lost_more="Talvez tenha sido cortada ou seja demasiado antiga. Nada foi alterado. "
        "Abra a ligação na própria mensagem ou responda-lhe.",
        away="De momento não é possível",
        away_more="Nada foi alterado. Tente de novo dentro de um minuto.",
    ),
    "ar": Words(
        ask_all="إلغاء الاشتراك في رسائل {house}؟",
        ask_topic="إلغاء الاشتراك في «{topic}»؟",
        ask_more="ستصلك الرسائل المتعلقة بطلباتك واستفساراتك كالمعتاد.",
        leave="إلغاء الاشتراك",
        leave_all="إلغاء كل الاشتراكات",
        left_all="تم إلغاء اشتراكك",
        left_topic="تم إلغاء اشتراكك في «{topic}»",
        left_more="يسري ذلك من الآن. قد تصلك رسالة أُرسلت من قبل.",
        undo="كان ذلك خطأ، أعيدوا اشتراكي",
        back="عاد اشتراكك",
        back_more="لا شيء يتغير بالنسبة إليك.",
        preferences="ما الذي تود تلقيه؟",
        preferences_more="رسائل من {house}",
        choose="اختيار ما يصلني",
        save="حفظ",
        saved="تم الحفظ، ويسري من الآن.",
        news="الأخبار والعروض",
        other="كل ما عدا ذلك",
        lost="هذا الرابط لا يعمل",
        lost_more="ربما قُطع الرابط أو أنه قديم جدًا. لم يتغير شيء. "
        "افتح الرابط من الرسالة نفسها، أو أجب عنها.",
        away="لا يمكن ذلك الآن",
        away_more="لم يتغير شيء. حاول مرة أخرى بعد دقيقة.",
    ),
}
