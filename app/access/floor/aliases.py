"""Names under which a prohibited purpose is asked for: standard terms and plain speech.

Used by terms.py to *name* a refusal. A name that is missing here is refused all the same, as an
unknown purpose. Sources: W3C DPV 2.3 and DPV AI Act terms, Fides data uses (docs/law.md, Purposes),
and the words for it in the languages of the regions served.
"""

from collections.abc import Mapping
from types import MappingProxyType


def _names(text: str) -> tuple[str, ...]:
    """Split a block at its semicolons; a line break inside a name is a space."""
    return tuple(" ".join(name.split()) for name in text.split(";"))


NAMED_ANYWHERE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "performance_evaluation": _names(
            """
            performance evaluation; performance review; performance appraisal; performance
            assessment; performance rating; performance management; performance monitoring;
            performance measurement; performance prediction; performance scoring; performance
            score; performance analytics; performance tracking; performance improvement plan;
            performance feedback; evaluate performance; measure performance; assess performance;
            rate performance; review performance; employee evaluation; employee appraisal;
            employee review; employee assessment; employee performance; worker evaluation;
            worker performance; staff appraisal; staff evaluation; staff performance; work
            performance; job performance; personnel evaluation; individual performance; annual
            review; year-end review; quarterly review; 360 review; 360 feedback; productivity
            tracking; productivity monitoring; productivity score; productivity analytics;
            productivity measurement; employee productivity; worker productivity; talent review;
            calibration review; stack ranking; forced ranking; ranking of employees; employee
            ranking; efficiency rating; activity monitoring; idle time; time theft; utilisation
            tracking; utilization tracking;
            PersonnelPerformanceEvaluation; PersonnelPerformanceManagement;
            PersonnelPerformanceMonitoring; PersonnelPerformancePrediction; PersonnelMonitoring;
            PersonnelBehaviourMonitoring; PersonnelBehaviorMonitoring; PerformanceAtWork;
            ProfessionalEvaluation;
            Leistungsbeurteilung; Leistungsbewertung; Leistungskontrolle; Leistungsüberwachung;
            Leistungsueberwachung; Leistungsmessung; Leistungseinschätzung;
            Leistungseinschaetzung; Verhaltenskontrolle; Verhaltensüberwachung;
            Verhaltensueberwachung; Mitarbeiterbewertung; Mitarbeiterbeurteilung;
            Mitarbeitergespräch; Mitarbeitergespraech; Personalbeurteilung; Personalbewertung;
            Arbeitnehmerüberwachung; Produktivitätsmessung; Produktivitaetsmessung;
            Jahresgespräch; Zielerreichung;
            évaluation des performances; évaluation de la performance; évaluation du rendement;
            évaluation du personnel; évaluation des salariés; évaluation professionnelle;
            entretien annuel; notation du personnel; suivi de la performance; suivi de la
            productivité; contrôle de l'activité; appréciation du personnel;
            evaluación del desempeño; evaluación de desempeño; evaluación del rendimiento;
            evaluación de rendimiento; valoración del rendimiento; control del rendimiento;
            evaluación de empleados; evaluación del personal; medición de la productividad;
            avaliação de desempenho; avaliação do desempenho; avaliação de funcionários;
            controlo de desempenho; monitoramento de produtividade;
            valutazione delle prestazioni; valutazione della prestazione; valutazione del
            rendimento; valutazione del personale; valutazione dei dipendenti; controllo a
            distanza dei lavoratori;
            prestatiebeoordeling; functioneringsgesprek; beoordelingsgesprek;
            medewerkersbeoordeling; personeelsbeoordeling; prestatiemeting;
            prestationsbedömning; medarbetarsamtal; prestasjonsvurdering; medarbeidersamtale;
            præstationsvurdering; medarbejdersamtale; suorituksen arviointi; suoritusarviointi;
            kehityskeskustelu;
            ocena pracownika; ocena pracownicza; ocena wyników pracy; ocena wydajności;
            hodnocení výkonu; hodnocení zaměstnanců; teljesítményértékelés; evaluarea
            performanței; evaluarea angajaților; performans değerlendirme;
            αξιολόγηση απόδοσης; αξιολόγηση προσωπικού; оценка эффективности; оценка
            производительности; оценка персонала; оценка сотрудников; оцінка ефективності;
            оцінка персоналу;
            تقييم الأداء; הערכת ביצועים; הערכת עובדים; प्रदर्शन मूल्यांकन; निष्पादन मूल्यांकन;
            绩效评估; 绩效考核; 績效評估; 績效考核; 员工评估;
            业绩评估; 人事評価; 人事考課; 業績評価; 勤務評定; パフォーマンス評価;
            성과평가; 인사평가; 근무평정; 업무평가
            """
        ),
        "hr.scoring": _names(
            """
            EvaluationScoring; ScoringOfIndividuals; AutomatedScoringOfIndividuals;
            AutomatedDecisionMaking; employee scoring; worker scoring; employee profiling;
            worker profiling; personalize.profiling; analytics.reporting.per_person;
            Mitarbeiterscoring; Mitarbeiterprofil
            """
        ),
        "hr.discipline": _names(
            """
            DisputeManagement; MisusePreventionAndDetection; FraudPreventionAndDetection;
            DisciplinaryAction; disciplinary; insider threat; misconduct;
            essential.fraud_detection; Abmahnung; sanction disciplinaire; sanción disciplinaria
            """
        ),
        "hr.workforce_planning": _names(
            """
            InternalResourceOptimisation; InternalResourceOptimization; workforce planning;
            workforce reduction; headcount reduction; layoff; lay-off; redundancy planning;
            redundancy selection; reduction in force; restructuring list; job automation list;
            Personalabbau; Personalplanung; Stellenabbau; Sozialauswahl; plan de licenciement;
            licenciement; despido colectivo; licenziamento
            """
        ),
        "hr": _names(
            """
            HumanResource; human resources; PersonnelManagement; PersonnelPromotion;
            PersonnelTermination; PersonnelWorkload; PersonnelPayment; PersonnelHiring;
            PersonnelOnboarding; PersonnelOffboarding; Personnel; RecruitmentManagement;
            recruitment; recruiting; employment; people analytics; people operations; talent
            management; promotion decision; salary decision; compensation review; bonus
            decision; termination decision; dismissal; Personalwesen; Personalabteilung;
            Personalentscheidung; Kündigung; Beförderung; ressources humaines; recursos humanos;
            risorse umane; personeelszaken; henkilöstöhallinto; 人力资源; 人事
            """
        ),
        "ai.emotion_inference": _names(
            """
            emotion inference; emotion recognition; emotion detection; emotion analysis;
            EmotionRecognition; ProhibitedAISystem-A5-1-f; sentiment of employees; employee
            sentiment; mood detection; mood tracking; stress detection; Emotionserkennung;
            reconnaissance des émotions; reconocimiento de emociones
            """
        ),
        "ai.employment_high_risk": _names(
            """
            ai.employment_high_risk; HighRiskAISystem-AnnexIII-4; AnnexIII-4-a; AnnexIII-4-b
            """
        ),
        "commercial": _names(
            """
            Marketing; Advertising; SellDataToThirdParties; sell data; data resale; data
            brokerage; third party sale; CommercialPurpose; Werbung; publicité; publicidad
            """
        ),
    }
)
"""Root → names that show it wherever they are in the text."""

NAMED_EXACTLY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "performance_evaluation": _names(
            """
            performance; productivity; appraisal; evaluation; evaluate; review; rating; ranking;
            kpi; okr; monitoring; Beurteilung; Bewertung; Leistung; rendement; desempeño;
            desempenho; rendimiento; 考核; 評価; 평가
            """
        ),
        "hr": _names(
            """
            personnel; Personal; people; talent; payroll; hiring; firing; rh
            """
        ),
        "hr.scoring": _names(
            """
            scoring; profiling; analytics.reporting; personalize; adm
            """
        ),
        "hr.discipline": _names(
            """
            discipline; dispute; insider
            """
        ),
        "hr.workforce_planning": _names(
            """
            operations; restructuring; rightsizing; downsizing
            """
        ),
        "ai.emotion_inference": _names(
            """
            emotion; emotions; mood; sentiment
            """
        ),
        "commercial": _names(
            """
            sales; third_party_sharing; ads; sell; sale
            """
        ),
    }
)
"""Root → everyday words that show it only when they are the whole text."""
